//! What has to hold around production while it is changed: every user stays on one target, the bridge is known to keep
//! sessions, and the hour is right.

use serde_json::{Value, json};

use crate::core::rollout::{Absent, Difference};
use crate::core::{Failure, Measurement, Verdict};
use crate::ports::TargetGroupFacts;
use crate::steps::at_once::several_at_once;
use crate::steps::measure::measurement;
use crate::steps::targets::{list, site_differences};
use crate::steps::{ReadContext, facts};

/// What is measured on all of production.
const PRODUCTION: &str = "production";

/// Whether a user stays on one target while the targets differ. `group` is `None` without a load balancer.
pub fn stickiness(context: &ReadContext<'_>, group: Option<(&str, &TargetGroupFacts)>) -> Measurement {
    let Some((name, group)) = group else {
        return measurement(Verdict::Pass, PRODUCTION, "no load balancer moves users between targets", Value::Null);
    };
    let (verdict, words) = if group.sticky {
        (Verdict::Pass, format!("{name} keeps a user on one target"))
    } else if context.rollout().production.targets.len() < 2 {
        (Verdict::Pass, format!("{name} has one target: no user can be moved"))
    } else {
        let difference = Difference::NoStickiness { target_group: name.to_owned(), stickiness: Absent::None };
        let more = ", and while one target is changed and another is not, a user who is moved from the changed one to the \
                    other is logged out: the bridge writes both stores of its own target, and the other knows neither";
        let instead = "turn it on (`aws elbv2 modify-target-group-attributes`, stickiness.enabled)";
        site_differences::judge(context.rollout(), &difference, more, instead)
    };
    measurement(verdict, group.arn.as_str(), words, json!({ "sticky": group.sticky }))
}

/// Whether phase 2 has seen the bridge keep a session, with the store and without it.
pub fn bridge(context: &ReadContext<'_>) -> Measurement {
    let (verdict, words) = match facts::USERS_KEPT.known(context.facts) {
        Some(users) => (
            Verdict::Pass,
            format!(
                "phase 2 has seen the bridge keep the sessions of {users} users: with the store, without it and after"
            ),
        ),
        None => (
            Verdict::Inconclusive,
            "the bridge was never seen to keep a session: run `migrate phase 2`, whose store_loss_drill checks it"
                .to_owned(),
        ),
    };
    measurement(verdict, PRODUCTION, words, Value::Null)
}

/// Whether the application listens where users are sent, on every production target.
///
/// # Errors
/// When a target cannot be asked.
pub async fn listening(context: &ReadContext<'_>) -> Result<Vec<Measurement>, Failure> {
    let port = context.rollout().application.port.number();
    let asked = several_at_once(list::production(context.rollout()), async |target| {
        let ports = context.ports.targets.reader(target.host).listening().await;
        let ports = ports.map_err(|failure| target.failed(failure))?;
        let name = target.name.as_str();
        let (verdict, words) = if ports.contains(&port) {
            (Verdict::Pass, format!("{name} listens on port {port}"))
        } else {
            let words = format!("{name}: no process listens on port {port}; correct application.port in rollout.yaml");
            (Verdict::Abort, words)
        };
        Ok(measurement(verdict, name, words, json!({ "listening": ports })))
    });
    asked.await.into_iter().collect()
}

/// Whether production may be changed at this hour. Asked again before each change, by the engine.
pub fn change_window(context: &ReadContext<'_>) -> Measurement {
    let now = context.ports.clock.now();
    let window = context.rollout().production.change_window.as_ref();
    let (verdict, words) = match window.map(|window| window.closed_until(now)) {
        None => (Verdict::Pass, "rollout.yaml has no change window: any hour will do".to_owned()),
        Some(None) => (Verdict::Pass, format!("the change window is open ({now:.0})")),
        Some(Some(opens)) => {
            (Verdict::Hold, format!("the change window is closed until {opens:.0}: `migrate phase 4` again then"))
        }
    };
    measurement(verdict, PRODUCTION, words, json!({ "window": window, "at": now }))
}
