//! `session_bridge`: the bridge's files, put beside the application in the copy.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::rollout::STAGING;
use crate::core::{ApplyPermit, Contract, Facts, Failure, Measurement, UndoPermit, Verdict};
use crate::ports::{DirectoryState, Installation, WritableTarget, WriteFailure};
use crate::steps::measure::measurement;
use crate::steps::site::bridge_files;
use crate::steps::site::copy_layout;
use crate::steps::targets::list;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// Installs the bridge.
pub struct SessionBridge;

/// What a `session_bridge` step is told: nothing, its files are those below `phases/session_bridge/`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for SessionBridge {
    type Settings = Settings;
    const NAME: &'static str = "session_bridge";
    const SUMMARY: &'static str = "installs the session bridge in the copy";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(Settings {}: Settings) -> Step {
        Step::Change(Box::new(Self))
    }
}

#[async_trait]
impl Change for SessionBridge {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let count = bridge_files::wanted(context.plan)?.len();
        let directory = &context.rollout().staging.copy.directory;
        let what = format!("on {STAGING}: the session bridge in {directory} ({count} files)");
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let wanted = bridge_files::wanted(context.plan)?;
        let place = copy_layout::place(context.rollout());
        let reader = list::staging(context);
        if let DirectoryState::Foreign(why) = reader.owned_directory(&place).await? {
            return Ok(Presence::Foreign(why));
        }
        let paths: Vec<String> = wanted.keys().cloned().collect();
        let original = &context.rollout().application.directory;
        if let Some(why) = bridge_files::hides(&*reader, original, paths.iter()).await? {
            return Ok(Presence::Foreign(why));
        }
        let found = reader.files(&place.directory, &paths).await?;
        if found.iter().all(Option::is_none) {
            return Ok(Presence::Absent);
        }
        let wrong = bridge_files::in_short(&bridge_files::wrong(&wanted, &found));
        Ok(Presence::Ours(wrong.map_or(Condition::Usable, Condition::Broken)))
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let files = bridge_files::contents(context.read).await.map_err(WriteFailure::clean)?;
        let installation = Installation { place: copy_layout::place(rollout), files };
        context.ports.targets.writer(&WritableTarget::staging(rollout)).install(permit, &installation).await
    }

    async fn settle(&self, _: &ReadContext<'_>) -> Result<Facts, Failure> {
        Ok(Facts::new())
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let rollout = context.rollout();
        let directory = &rollout.staging.copy.directory;
        let wanted = bridge_files::wanted(context.plan)?;
        let paths: Vec<String> = wanted.keys().cloned().collect();
        let reader = list::staging(context);
        let wrong = bridge_files::wrong(&wanted, &reader.files(directory, &paths).await?);
        let data = serde_json::json!({ "files": wanted, "wrong": wrong });
        let (verdict, summary) = match wrong.as_slice() {
            [] => (Verdict::Pass, format!("{} files of the bridge in {directory} are the plan's", wanted.len())),
            some => (Verdict::Abort, format!("the bridge in {directory} is not the plan's: {}", some.join("; "))),
        };
        let installed = measurement(verdict, STAGING, summary, data);

        let package = copy_layout::BRIDGE_PACKAGE;
        let interpreter = format!("{}/bin/python", rollout.application.virtualenv);
        let modules = reader.modules(&interpreter, directory, &[package.to_owned()]).await?;
        let problem = match modules.first() {
            Some(module) => module.problem.clone(),
            None => Some("no attempt was made".to_owned()),
        };
        let (verdict, summary) = match &problem {
            None => (Verdict::Pass, format!("{interpreter} imports {package} in {directory}")),
            Some(problem) => {
                (Verdict::Abort, format!("{interpreter} cannot import {package} in {directory}: {problem}"))
            }
        };
        let data = serde_json::json!({ "module": package, "problem": problem });
        Ok(vec![installed, measurement(verdict, STAGING, summary, data)])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let paths: Vec<String> =
            bridge_files::wanted(context.read.plan).map_err(WriteFailure::clean)?.into_keys().collect();
        let writer = context.ports.targets.writer(&WritableTarget::staging(rollout));
        writer.uninstall(permit, &copy_layout::place(rollout), &paths).await
    }
}
