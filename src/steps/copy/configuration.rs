//! `copy_configuration`: what the copy, and only the copy, is told: which store, which files, which cookie.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::environment;
use crate::core::rollout::{Rollout, STAGING};
use crate::core::{ApplyPermit, Contract, Digest, Facts, Failure, Input, Measurement, Secret, UndoPermit, Verdict};
use crate::ports::{DirectoryState, FileContent, FileFacts, Installation, InstalledFile, WritableTarget, WriteFailure};
use crate::steps::measure::measurement;
use crate::steps::site::copy_layout as layout;
use crate::steps::site::store_files;
use crate::steps::targets::list;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// Everything this step ever writes.
const FILES: [&str; 4] = [layout::REDIS_PASSWORD, layout::REDIS_AUTHORITY, layout::TRIAL_TOKEN, layout::ENVIRONMENT];

/// Configures the copy.
pub struct CopyConfiguration(Settings);

/// What a `copy_configuration` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The store, as `host:port`.
    endpoint: Input<String>,
}

impl Kind for CopyConfiguration {
    type Settings = Settings;
    const NAME: &'static str = "copy_configuration";
    const SUMMARY: &'static str = "gives the copy its own port, files and settings";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

impl CopyConfiguration {
    fn environment(&self, context: &ReadContext<'_>) -> Result<String, Failure> {
        let endpoint = self.0.endpoint.text(context.facts)?.parse()?;
        environment::environment(context.rollout(), &endpoint)
    }

    /// What the files are to hold, less the secrets.
    async fn digests(&self, context: &ReadContext<'_>) -> Result<BTreeMap<&'static str, Digest>, Failure> {
        let mut digests = BTreeMap::new();
        digests.insert(layout::ENVIRONMENT, Digest::of(self.environment(context)?.as_bytes()));
        if let Some(authority) = store_files::authority(context).await? {
            digests.insert(layout::REDIS_AUTHORITY, Digest::of(&authority));
        }
        Ok(digests)
    }

    async fn found(&self, context: &ReadContext<'_>) -> Result<Vec<Option<FileFacts>>, Failure> {
        let paths = FILES.map(str::to_owned);
        list::staging(context).files(&context.rollout().staging.copy.directory, &paths).await
    }

    async fn contents(&self, context: &ReadContext<'_>) -> Result<Vec<InstalledFile>, Failure> {
        let mut files = store_files::contents(context).await?;
        // Last, because it names the others.
        let content = FileContent::Private(Secret::new(self.environment(context)?));
        files.push(InstalledFile { path: layout::ENVIRONMENT.to_owned(), content });
        Ok(files)
    }
}

/// What is wrong with the files; nothing when they are as they should be. A file whose content is not in `digests` is
/// judged by its mode alone.
fn wrong(rollout: &Rollout, found: &[Option<FileFacts>], digests: &BTreeMap<&'static str, Digest>) -> Vec<String> {
    let problem =
        |(path, found): (&&'static str, &Option<FileFacts>)| match (store_files::mode_of(rollout, path), found) {
            (None, None) => None,
            (None, Some(_)) => Some(format!("{path} is there, and must not be")),
            (Some(_), None) => Some(format!("{path} is missing")),
            (Some(mode), Some(facts)) if facts.mode != mode => {
                Some(format!("{path} has the mode {:o}, not {mode:o}", facts.mode))
            }
            (Some(_), Some(facts)) => digests
                .get(path)
                .filter(|digest| **digest != facts.digest)
                .map(|_| format!("{path} holds something else")),
        };
    FILES.iter().zip(found).filter_map(problem).collect()
}

#[async_trait]
impl Change for CopyConfiguration {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let rollout = context.rollout();
        let store = self.0.endpoint.text(context.facts).unwrap_or_else(|_| "the store".to_owned());
        let (directory, port) = (&rollout.staging.copy.directory, rollout.staging.copy.port);
        let what = format!(
            "on {STAGING}: the settings of the copy in {directory}/{}: sessions in {store} under {}, port {port}",
            layout::MARKS,
            layout::key_prefix(rollout)
        );
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let place = layout::place(context.rollout());
        if let DirectoryState::Foreign(why) = list::staging(context).owned_directory(&place).await? {
            return Ok(Presence::Foreign(why));
        }
        let found = self.found(context).await?;
        if found.iter().all(Option::is_none) {
            return Ok(Presence::Absent);
        }
        // Without facts, or the authority's file, what it should hold is not known: then it is enough that it is there.
        // A rollback must not wait for either.
        let digests = self.digests(context).await.unwrap_or_default();
        let wrong = wrong(context.rollout(), &found, &digests);
        Ok(Presence::Ours(if wrong.is_empty() { Condition::Usable } else { Condition::Broken(wrong.join("; ")) }))
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let files = self.contents(context.read).await.map_err(WriteFailure::clean)?;
        let installation = Installation { place: layout::place(rollout), files };
        context.ports.targets.writer(&WritableTarget::staging(rollout)).install(permit, &installation).await
    }

    async fn settle(&self, _: &ReadContext<'_>) -> Result<Facts, Failure> {
        Ok(Facts::new())
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let found = self.found(context).await?;
        let digests = self.digests(context).await?;
        let wrong = wrong(context.rollout(), &found, &digests);
        let modes: BTreeMap<&str, String> = FILES
            .iter()
            .zip(&found)
            .filter_map(|(path, found)| Some((*path, format!("{:o}", found.as_ref()?.mode))))
            .collect();
        let directory = &context.rollout().staging.copy.directory;
        // The digests of secrets are not for the record.
        let data = serde_json::json!({ "modes": modes, "digests": digests, "wrong": wrong });
        let (verdict, summary) = if wrong.is_empty() {
            (Verdict::Pass, format!("the settings of the copy in {directory} are the plan's: {} files", modes.len()))
        } else {
            (
                Verdict::Abort,
                format!("the settings of the copy in {directory} are not the plan's: {}", wrong.join("; ")),
            )
        };
        Ok(vec![measurement(verdict, STAGING, summary, data)])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let writer = context.ports.targets.writer(&WritableTarget::staging(rollout));
        writer.uninstall(permit, &layout::place(rollout), &FILES.map(str::to_owned)).await
    }
}
