//! What must not change before phase 4 is approved, read and compared. Never writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::{Digest, Failure, FailureClass};
use crate::steps::ReadContext;
use crate::steps::at_once::several_at_once;
use crate::steps::targets::list;

/// One target's protected things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protected {
    /// The tree, less what is volatile.
    pub tree: Digest,
    /// The unit file and its drop-ins.
    pub unit: Option<Digest>,
    /// The main process's command line, with anything that looks like a secret taken out.
    pub command_line: String,
    /// SHA-256 over the command line as it is: a changed secret is a change, too.
    pub command_line_digest: Digest,
    /// The main process's environment.
    pub environment: Option<Digest>,
    /// The main process's binary.
    pub executable: Option<String>,
    /// When the main process started.
    pub started_ticks: Option<u64>,
}

/// Every target's protected things, by its name.
pub type Baseline = BTreeMap<String, Protected>;

/// Reads every target.
///
/// # Errors
/// When one cannot be read.
pub async fn read(context: &ReadContext<'_>) -> Result<Baseline, Failure> {
    let application = &context.rollout().application;
    let read = several_at_once(list::all(context.rollout()), async |target| {
        let at = |failure| target.failed(failure);
        context.say(format!("reading what is protected on {}", target.name));
        let reader = context.ports.targets.reader(target.host);
        let service = reader.service(&application.unit).await.map_err(at)?;
        let tree = reader.tree(&application.directory, &application.volatile).await.map_err(at)?;
        let protected = Protected {
            tree: tree.digest,
            unit: service.unit,
            command_line: without_secrets(&service.command_line),
            command_line_digest: Digest::of(service.command_line.join("\0").as_bytes()),
            environment: service.environment,
            executable: service.executable,
            started_ticks: service.started_ticks,
        };
        Ok((target.name.to_string(), protected))
    });
    read.await.into_iter().collect()
}

/// Words after which a value is not for the record.
const SECRET_WORDS: [&str; 5] = ["token", "secret", "password", "passwd", "key"];

/// A command line for the record: values of secret-looking options and credentials in URLs are left out.
fn without_secrets(command_line: &[String]) -> String {
    let mut shown = Vec::new();
    let mut hide_next = false;
    for word in command_line {
        let secret = |name: &str| SECRET_WORDS.iter().any(|secret| name.to_lowercase().contains(secret));
        let text = if hide_next {
            "[redacted]".to_owned()
        } else if let Some((name, _)) = word.rsplit_once('=').filter(|(name, _)| secret(name)) {
            format!("{name}=[redacted]")
        } else if let Some((before, after)) =
            word.split_once("://").and_then(|(scheme, rest)| rest.split_once('@').map(|(_, host)| (scheme, host)))
        {
            format!("{before}://[redacted]@{after}")
        } else {
            word.clone()
        };
        hide_next = word.starts_with("--") && !word.contains('=') && secret(word);
        shown.push(text);
    }
    shown.join(" ")
}

/// The tree, in the words of a [`Change`].
pub const TREE: &str = "the application's tree";
/// The unit file and its drop-ins.
pub const UNIT: &str = "the unit";
/// The main process's environment.
pub const ENVIRONMENT: &str = "the environment";
/// When the main process started.
pub const START: &str = "the process's start";

/// What it means that protected things have changed.
pub fn changed(changes: &[Change]) -> Failure {
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    Failure::new(FailureClass::ProtectedChanged, lines.join("\n")).hint(
        "find out who changed it. If the change is wanted: `migrate rollback --to 0` and phase 1 again record a new \
         baseline",
    )
}

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where.
    pub target: String,
    /// What.
    pub what: &'static str,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

impl std::fmt::Display for Change {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {} changed from {} to {}", self.target, self.what, self.before, self.after)
    }
}

/// Everything that differs on one target.
pub fn changes(target: &str, before: &Protected, after: &Protected) -> Vec<Change> {
    let digest =
        |digest: &Option<Digest>| digest.as_ref().map_or_else(|| "none".to_owned(), |digest| digest.short().to_owned());
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let ticks = |ticks: Option<u64>| {
        ticks.map_or_else(|| "not running".to_owned(), |ticks| format!("{ticks} ticks after boot"))
    };
    let command =
        |protected: &Protected| format!("`{}` ({})", protected.command_line, protected.command_line_digest.short());
    [
        (TREE, before.tree.short().to_owned(), after.tree.short().to_owned(), before.tree == after.tree),
        (UNIT, digest(&before.unit), digest(&after.unit), before.unit == after.unit),
        ("the command line", command(before), command(after), before.command_line_digest == after.command_line_digest),
        (ENVIRONMENT, digest(&before.environment), digest(&after.environment), before.environment == after.environment),
        ("the interpreter", text(&before.executable), text(&after.executable), before.executable == after.executable),
        (START, ticks(before.started_ticks), ticks(after.started_ticks), before.started_ticks == after.started_ticks),
    ]
    .into_iter()
    .filter(|(.., same)| !same)
    .map(|(what, before, after, _)| Change { target: target.to_owned(), what, before, after })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str]) -> String {
        without_secrets(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn secrets_on_a_command_line_are_not_recorded() {
        assert_eq!(shown(&["gunicorn", "--bind", "0.0.0.0:8080"]), "gunicorn --bind 0.0.0.0:8080");
        assert_eq!(shown(&["run", "--api-token", "hunter2", "x"]), "run --api-token [redacted] x");
        assert_eq!(shown(&["run", "--env", "SECRET_KEY=hunter2"]), "run --env SECRET_KEY=[redacted]");
        assert_eq!(shown(&["run", "--env=SECRET_KEY=hunter2"]), "run --env=SECRET_KEY=[redacted]");
        assert_eq!(shown(&["redis://me:hunter2@store:6379/0"]), "redis://[redacted]@store:6379/0");
    }
}
