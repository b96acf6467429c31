//! `command`: run, verify and undo scripts on a target, so that another migration needs no Rust.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};
use crate::core::{ApplyPermit, Contract, Facts, Failure, Measurement, UndoPermit, Verdict};
use crate::ports::{CommandOutput, Script, WriteFailure};
use crate::steps::measure::measurement;
use crate::steps::targets::named;

/// Runs scripts on a target.
pub struct Command(Settings);

/// What a `command` step is told. The scripts are POSIX sh.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `staging`, or the name of a production target (which can be written on only in phase 4).
    target: String,
    /// Does it. Exit code 0 is success.
    run: String,
    /// Exit code 0 when it is done and works. Must not change anything.
    verify: String,
    /// Puts everything back. Exit code 0 is success; must succeed, too, when nothing is left to do.
    undo: String,
    /// Exit code 0 when it has been run and not been undone, whether it works or not. Must not change anything.
    /// Without it `verify` answers this, too.
    #[serde(default)]
    present: Option<String>,
}

impl Kind for Command {
    type Settings = Settings;
    const NAME: &'static str = "command";
    const SUMMARY: &'static str = "runs scripts on a target: run, verify, undo";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

impl Command {
    async fn check(&self, context: &ReadContext<'_>, script: &str) -> Result<CommandOutput, Failure> {
        check_on(context, &self.0.target, script).await
    }
}

/// Runs a script that only looks.
pub(super) async fn check_on(context: &ReadContext<'_>, target: &str, script: &str) -> Result<CommandOutput, Failure> {
    let output = named::reader(context, target)?.check(&Script(script.to_owned())).await?;
    // 126 and 127 are the shell's: the script itself could not run, so it has said neither yes nor no.
    if matches!(output.code, 126 | 127) {
        return Err(Failure::permanent(format!("a check could not run on {target}: {}", ending(&output)))
            .hint("correct the script in phases/, then `migrate replan`"));
    }
    Ok(output)
}

/// How a script ended, in one line.
pub(super) fn ending(output: &CommandOutput) -> String {
    match output.stderr.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => format!("exit code {}: {}", output.code, line.trim()),
        None => format!("exit code {}", output.code),
    }
}

/// The first line of a script, to tell it from others.
pub(super) fn first_line(script: &str) -> &str {
    script.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(an empty script)")
}

/// A script that ended badly may have done half of its work.
fn succeeded(output: &CommandOutput, what: &str, target: &str) -> Result<(), WriteFailure> {
    if output.code == 0 {
        return Ok(());
    }
    Err(WriteFailure::unknown(
        Failure::permanent(format!("{what} failed on {target}: {}", ending(output)))
            .hint("look at the host, then run the phase again or `migrate rollback`"),
    ))
}

#[async_trait]
impl Change for Command {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let what = format!("on {}: {}", self.0.target, first_line(&self.0.run));
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let script = self.0.present.as_ref().unwrap_or(&self.0.verify);
        let output = self.check(context, script).await?;
        Ok(if output.code == 0 { Presence::Ours(Condition::Usable) } else { Presence::Absent })
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let output = named::writer(context, &self.0.target)?.execute(permit, &Script(self.0.run.clone())).await?;
        succeeded(&output, "the command", &self.0.target)
    }

    async fn settle(&self, _: &ReadContext<'_>) -> Result<Facts, Failure> {
        Ok(Facts::new())
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let output = self.check(context, &self.0.verify).await?;
        let data = serde_json::json!({ "exit_code": output.code });
        let (verdict, summary) = match output.code {
            0 => (Verdict::Pass, format!("verified on {}: {}", self.0.target, first_line(&self.0.verify))),
            _ => (Verdict::Abort, format!("not verified on {}: {}", self.0.target, ending(&output))),
        };
        Ok(vec![measurement(verdict, self.0.target.as_str(), summary, data)])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let output = named::writer(context, &self.0.target)?.revert(permit, &Script(self.0.undo.clone())).await?;
        succeeded(&output, "the undo", &self.0.target)
    }
}
