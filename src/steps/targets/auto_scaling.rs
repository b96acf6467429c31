//! Whether auto scaling may replace a target in the middle of the run. What it starts comes from an old image, without a
//! release: its users would be logged out.

use serde_json::{Value, json};

use crate::core::rollout::{AutoScaling, Rollout};
use crate::core::{Failure, FailureClass, Measurement, Statement, Verdict};
use crate::ports::InstanceFacts;
use crate::steps::ReadContext;
use crate::steps::at_once::several_at_once;
use crate::steps::measure::measurement;

/// The tag that EC2 Auto Scaling puts on every instance of a group.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html>
const GROUP: &str = "aws:autoscaling:groupName";

/// The processes of a group that end an instance, for whatever reason, and that start one in its place. All others act
/// through these two.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html>
const REPLACE: [&str; 2] = ["Launch", "Terminate"];
/// The process that marks an instance as unhealthy. What it has marked meanwhile is replaced as soon as the others resume.
const MARK: &str = "HealthCheck";

/// What it takes to look, unless rollout.yaml states how it is.
pub fn reads(rollout: &Rollout) -> Option<Statement> {
    rollout.production.auto_scaling.is_none().then(|| Statement {
        purpose: "see that auto scaling replaces no target".into(),
        actions: vec!["autoscaling:DescribeAutoScalingGroups".into()],
        resources: vec!["*".into()],
    })
}

/// Looks at every production target.
///
/// # Errors
/// When AWS cannot be asked.
pub async fn inspect(context: &ReadContext<'_>) -> Result<Vec<Measurement>, Failure> {
    let asked = several_at_once(&context.rollout().production.targets, async |target| {
        let name = target.name.as_str();
        let Some(InstanceFacts { id, tags, .. }) = context.ports.cloud.instance(&target.instance).await? else {
            let words =
                format!("{name}: there is no instance `{}`; correct `instance:` in rollout.yaml", target.instance);
            return Ok(measurement(Verdict::Abort, name, words, Value::Null));
        };
        let Some(group) = tags.get(GROUP) else {
            let words = format!("{name} ({id}) is in no auto scaling group");
            return Ok(measurement(Verdict::Pass, name, words, json!({ "instance": id })));
        };
        let seen = look(context, group).await?;
        let words = format!("{name} ({id}) is in the auto scaling group {group}, {}", seen.words);
        let data = json!({ "instance": id, "group": group, "suspended": seen.suspended });
        Ok(measurement(seen.verdict, name, words, data))
    });
    asked.await.into_iter().collect()
}

/// The state of an auto scaling group, and the verdict about it.
struct GroupObservation {
    verdict: Verdict,
    words: String,
    /// The processes of [`REPLACE`] that are suspended; `None` when that could not be read.
    suspended: Option<Vec<&'static str>>,
}

async fn look(context: &ReadContext<'_>, group: &str) -> Result<GroupObservation, Failure> {
    let stated = context.rollout().production.auto_scaling;
    let found = match (context.ports.cloud.scaling_group(group).await, stated) {
        // Whoever states it need not let us look.
        (Err(failure), Some(AutoScaling::Suspended)) if failure.class == FailureClass::Denied => {
            let words = "which these credentials may not read, and which rollout.yaml states is suspended".to_owned();
            return Ok(GroupObservation { verdict: Verdict::Pass, words, suspended: None });
        }
        (found, _) => found?,
    };
    let Some(found) = found else {
        let words = "which AWS does not know: look at the instance's tags".to_owned();
        return Ok(GroupObservation { verdict: Verdict::Inconclusive, words, suspended: None });
    };
    let (suspended, active): (Vec<_>, Vec<_>) =
        REPLACE.into_iter().partition(|process| found.suspended.contains(*process));
    let (verdict, words) = if active.is_empty() {
        let mark = if found.suspended.contains(MARK) {
            String::new()
        } else {
            format!(", and whose {MARK} is not: look at `HealthStatus` before `resume-processes`")
        };
        (Verdict::Pass, format!("whose {} are suspended{mark}", REPLACE.join(" and ")))
    } else {
        let words = format!(
            "which may replace it in the middle of the run, for {} is not suspended: `aws autoscaling suspend-processes \
             --auto-scaling-group-name {group}`, then `migrate phase 4` again; `resume-processes` when phase 4 is over",
            active.join(" or ")
        );
        (Verdict::Abort, words)
    };
    Ok(GroupObservation { verdict, words, suspended: Some(suspended) })
}
