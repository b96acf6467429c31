//! `application_copy`: the live tree, copied beside the original on staging.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::rollout::{STAGING, VolatilePattern};
use crate::core::{ApplyPermit, Contract, Facts, Failure, Measurement, UndoPermit, Verdict};
use crate::ports::{DirectoryState, SmokeImport, TargetRead, TreeCopy, WritableTarget, WriteFailure};
use crate::steps::facts::COPY_DIRECTORY;
use crate::steps::measure::measurement;
use crate::steps::site::copy_layout;
use crate::steps::targets::list;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// The space that has to stay free beside the copy, in bytes: the application continues to write.
const FREE_SPACE_RESERVE_BYTES: u64 = 256 << 20;

/// Copies the tree.
pub struct ApplicationCopy;

/// What an `application_copy` step is told: nothing, the site says it all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for ApplicationCopy {
    type Settings = Settings;
    const NAME: &'static str = "application_copy";
    const SUMMARY: &'static str = "copies the live tree beside the original on staging";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[COPY_DIRECTORY.name()];

    fn build(Settings {}: Settings) -> Step {
        Step::Change(Box::new(Self))
    }
}

/// What is left out when the two are compared: what comes and goes by itself, and what we add.
fn left_out(context: &ReadContext<'_>) -> Vec<VolatilePattern> {
    context.rollout().application.volatile.iter().cloned().chain(copy_layout::additions()).collect()
}

#[async_trait]
impl Change for ApplicationCopy {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let rollout = context.rollout();
        let (original, copy) = (&rollout.application.directory, &rollout.staging.copy.directory);
        // A plan is worth having without the size, too.
        let size = match list::staging(context).tree(original, &rollout.application.volatile).await {
            Ok(tree) => format!(" ({} files, at most {} MiB)", tree.files, tree.bytes.div_ceil(1 << 20)),
            Err(_) => String::new(),
        };
        let what = format!("on {STAGING}: {copy}, a copy of {original}{size}");
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let place = copy_layout::place(context.rollout());
        Ok(match list::staging(context).owned_directory(&place).await? {
            DirectoryState::Missing => Presence::Absent,
            // Ours, so that a rollback removes it; and half made, so that a phase goes on with it.
            DirectoryState::Unfinished => Presence::Ours(Condition::Unfinished),
            DirectoryState::Complete => Presence::Ours(Condition::Usable),
            DirectoryState::Foreign(why) => Presence::Foreign(why),
        })
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let application = &rollout.application;
        let reader = list::staging(context.read);
        let tree = reader.tree(&application.directory, &application.volatile).await.map_err(WriteFailure::clean)?;
        let copy = TreeCopy {
            from: application.directory.clone(),
            to: copy_layout::place(rollout),
            volatile: application.volatile.clone(),
            needed_bytes: tree.bytes.saturating_add(FREE_SPACE_RESERVE_BYTES),
        };
        context.read.say(format!("copying {} files to {}", tree.files, copy.to.directory));
        let writer = context.ports.targets.writer(&WritableTarget::staging(rollout));
        let hint = || "correct what it names on staging, then the same command goes on with the copy".to_owned();
        writer.copy_tree(permit, &copy).await.map_err(|failed| failed.or_hint(hint))
    }

    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure> {
        Ok(Facts::new().with_fact(COPY_DIRECTORY, context.rollout().staging.copy.directory.to_string()))
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let reader = list::staging(context);
        // The import comes last: the application may write something when it is imported.
        Ok(vec![equality(context, &*reader).await?, smoke_import(context, &*reader).await?])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let writer = context.ports.targets.writer(&WritableTarget::staging(rollout));
        writer.remove_directory(permit, &copy_layout::place(rollout)).await
    }
}

/// Whether the copy holds what the original does.
async fn equality(context: &ReadContext<'_>, reader: &dyn TargetRead) -> Result<Measurement, Failure> {
    let rollout = context.rollout();
    let (original, copy) = (&rollout.application.directory, &rollout.staging.copy.directory);
    let left_out = left_out(context);
    context.say(format!("comparing {copy} with {original}"));
    let here = reader.tree(original, &left_out).await?;
    let there = reader.tree(copy, &left_out).await?;
    let data = |differences: &[String]| {
        serde_json::json!({
            "original": { "digest": here.digest, "files": here.files },
            "copy": { "digest": there.digest, "files": there.files },
            "differences": differences,
        })
    };
    if (&here.digest, here.files) == (&there.digest, there.files) {
        let summary = format!("{copy} equals {original}: {} files, {}", here.files, here.digest.short());
        return Ok(measurement(Verdict::Pass, STAGING, summary, data(&[])));
    }
    let differences = reader.differences(original, copy, &left_out).await?;
    let words = match differences.as_slice() {
        [] => "what differed a moment ago no longer does".to_owned(),
        some => some.join("; "),
    };
    let summary = format!(
        "{copy} differs from {original} ({} files against {}): {words}. What the application writes belongs in \
         application.volatile; `migrate rollback --to 1` and phase 2 make a fresh copy",
        there.files, here.files
    );
    Ok(measurement(Verdict::Abort, STAGING, summary, data(&differences)))
}

/// Whether the interpreter that runs the original can load the copy.
async fn smoke_import(context: &ReadContext<'_>, reader: &dyn TargetRead) -> Result<Measurement, Failure> {
    let rollout = context.rollout();
    let directory = rollout.staging.copy.directory.clone();
    context.say(format!("importing the application in {directory}"));
    let import = SmokeImport { unit: rollout.application.unit.clone(), directory };
    let problem = reader.smoke_import(&import).await?;
    let (verdict, summary) = match &problem {
        None => (
            Verdict::Pass,
            format!("the application can be imported in {} by the interpreter that runs it", import.directory),
        ),
        Some(problem) => {
            (Verdict::Abort, format!("the application cannot be imported in {}: {problem}", import.directory))
        }
    };
    Ok(measurement(verdict, STAGING, summary, serde_json::json!({ "problem": problem })))
}
