//! `command_soak`: watches a target with a script, so that another migration's soak needs no Rust.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Diff, DiffAction, Kind, Observation, ReadContext, Step, Watch, Watched, measure};
use crate::core::rollout::Rollout;
use crate::core::{Contract, Failure, Statement, Verdict};
use crate::ports::CommandOutput;
use crate::steps::command::{check_on, ending, first_line};

/// Watches with a script.
pub struct CommandSoak(Settings);

/// What a `command_soak` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `staging`, or the name of a production target.
    target: String,
    /// POSIX sh, run at the end of each window. Its first line of output is the number of users' requests in the
    /// window. Exit code 0: all is well; 1: hold; 2: abort; anything else: it could not tell. Must not change anything.
    look: String,
}

impl Kind for CommandSoak {
    type Settings = Settings;
    const NAME: &'static str = "command_soak";
    const SUMMARY: &'static str = "watches a target with a script, for as long as rollout.yaml's soak says";
    const CONTRACT: Contract = Contract::SOAK;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Watch(Box::new(Self(settings)))
    }
}

/// What a script's end says. A script that does not say how many requests there were has seen nothing.
fn judge(output: &CommandOutput, target: &str) -> (Verdict, u64, String) {
    let requests: Option<u64> = output.stdout.lines().next().and_then(|line| line.trim().parse().ok());
    let (verdict, words) = match (output.code, requests) {
        (0, Some(requests)) => (Verdict::Pass, format!("all is well on {target}, {requests} requests")),
        (0, None) => {
            (Verdict::Inconclusive, format!("on {target} the script did not say how many requests there were"))
        }
        (1, _) => (Verdict::Hold, format!("on hold on {target}: {}", ending(output))),
        (2, _) => (Verdict::Abort, format!("bad on {target}: {}", ending(output))),
        _ => (Verdict::Inconclusive, format!("on {target} the script could not tell: {}", ending(output))),
    };
    (verdict, requests.unwrap_or(0), words)
}

#[async_trait]
impl Watch for CommandSoak {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let Settings { target, look } = &self.0;
        Diff::one(DiffAction::Read, format!("watches {target} for {}: {}", rollout.soak.duration, first_line(look)))
    }

    fn actions(&self, _: &Rollout) -> Vec<Statement> {
        Vec::new()
    }

    async fn watch(&self, context: &ReadContext<'_>, window: Duration) -> Result<Watched, Failure> {
        let Settings { target, look } = &self.0;
        context.ports.clock.sleep(window).await;
        let output = check_on(context, target, look).await?;
        let (verdict, requests, words) = judge(&output, target);
        let data = serde_json::json!({ "exit_code": output.code, "requests": requests });
        let measurements = vec![measure::measurement(verdict, target.as_str(), words, data)];
        let hint = "`migrate log` shows when it began; look at the target, and fix it or roll back";
        let failure = measure::failure_of(&measurements, hint);
        let seconds = if verdict.passes() { window.as_secs() } else { 0 };
        Ok(Watched { seconds, requests, observation: Observation { measurements, failure, ..Observation::default() } })
    }
}
