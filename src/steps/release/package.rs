//! `release_package`: a release beside the live tree: the target's own tree, and the session bridge.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::contents::{ReleaseContents, baseline_of};
use crate::core::rollout::AbsolutePath;
use crate::core::{
    ApplyPermit, Contract, Document, Facts, Failure, FailureClass, Input, Measurement, UndoPermit, Verdict,
};
use crate::ports::{DirectoryState, LiveTree, ReleaseBuild, ReleaseFacts, TargetRead, WriteFailure};
use crate::steps::facts::RELEASE_NAME;
use crate::steps::measure::measurement;
use crate::steps::site::{bridge_files, copy_layout, release_layout as layout};
use crate::steps::targets::named;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// The space that has to stay free beside a release, in bytes: the application continues to write.
const FREE_SPACE_RESERVE_BYTES: u64 = 256 << 20;

/// Builds the release.
pub struct ReleasePackage(Settings);

/// What a `release_package` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The production target; under `each_target` it is set by itself.
    target: String,
    /// The store, as `host:port`.
    endpoint: Input<String>,
    /// The baseline, as `protected_baseline` recorded it: the release is made from that tree and no other.
    baseline: Input<String>,
}

impl Kind for ReleasePackage {
    type Settings = Settings;
    const NAME: &'static str = "release_package";
    const SUMMARY: &'static str = "puts a content-addressed release beside the running one";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[RELEASE_NAME.name()];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

impl ReleasePackage {
    async fn contents(&self, context: &ReadContext<'_>) -> Result<ReleaseContents, Failure> {
        let before = baseline_of(&Document::recorded(self.0.baseline.text(context.facts)?), &self.0.target)?;
        let endpoint = self.0.endpoint.text(context.facts)?.parse()?;
        ReleaseContents::of(context, &before, &endpoint).await
    }

    fn reader(&self, context: &ReadContext<'_>) -> Result<std::sync::Arc<dyn TargetRead>, Failure> {
        named::reader(context, &self.0.target)
    }

    /// What is there. Without `wanted` (the journal was lost) any release is as good as another.
    async fn presence(&self, context: &ReadContext<'_>, wanted: Option<&ReleaseContents>) -> Result<Presence, Failure> {
        let reader = self.reader(context)?;
        let found = reader.releases(&layout::site(context.rollout())?).await?;
        if let DirectoryState::Foreign(why) = &found.room.directory {
            return Ok(Presence::Foreign(why.clone()));
        }
        if found.releases.is_empty() {
            let begun = !found.unfinished.is_empty();
            return Ok(if begun { Presence::Ours(Condition::Unfinished) } else { Presence::Absent });
        }
        let Some(wanted) = wanted else { return Ok(Presence::Ours(Condition::Usable)) };
        // One of another name is left: it may be live, and a new one can be built beside it.
        if !found.releases.contains(&wanted.name) {
            return Ok(Presence::Ours(Condition::Unfinished));
        }
        let wrong = bridge_files::in_short(&wanted.wrong_on(&*reader).await?);
        Ok(Presence::Ours(match wrong {
            // What is in use is not removed; `verify` says what is wrong with it.
            Some(why) if !is_in_use(&found) => Condition::Broken(format!("{}: {why}", wanted.directory)),
            _ => Condition::Usable,
        }))
    }

    /// Whether the release holds what the original does, beyond what is ours.
    async fn same_tree(
        &self,
        context: &ReadContext<'_>,
        wanted: &ReleaseContents,
        original: &AbsolutePath,
    ) -> Result<Measurement, Failure> {
        let (target, release) = (self.0.target.as_str(), &wanted.directory);
        context.say(format!("{target}: comparing {release} with {original}"));
        let left_out = wanted.left_out(context.rollout());
        let differences = self.reader(context)?.differences(original, release, &left_out).await?;
        let data = json!({ "original": wanted.tree, "differences": differences });
        let (verdict, summary) = match differences.as_slice() {
            [] => (Verdict::Pass, format!("{release} equals {original} ({}) and what is ours", wanted.tree.short())),
            some => (
                Verdict::Abort,
                format!(
                    "{release} differs from {original}: {}. What the application writes belongs in \
                     application.volatile; `migrate rollback --to 3` and phase 4 make a new release",
                    some.join("; ")
                ),
            ),
        };
        Ok(measurement(verdict, target, summary, data))
    }

    /// Whether the files of ours are as planned.
    async fn own_files(&self, context: &ReadContext<'_>, wanted: &ReleaseContents) -> Result<Measurement, Failure> {
        let wrong = wanted.wrong_on(&*self.reader(context)?).await?;
        // The digests of secrets are not for the record.
        let data = json!({ "release": wanted.name, "files": wanted.public(), "wrong": wrong });
        let (verdict, summary) = match wrong.as_slice() {
            [] => (Verdict::Pass, format!("{} files of ours in {} are the plan's", wanted.paths().len(), wanted.name)),
            some => (Verdict::Abort, format!("the release {} is not the plan's: {}", wanted.name, some.join("; "))),
        };
        Ok(measurement(verdict, self.0.target.as_str(), summary, data))
    }

    /// Whether the application's own configuration of Gunicorn is kept in the release.
    async fn kept_configuration(
        &self,
        context: &ReadContext<'_>,
        wanted: &ReleaseContents,
        original: &AbsolutePath,
    ) -> Result<Measurement, Failure> {
        let reader = self.reader(context)?;
        let name = &wanted.configuration;
        let own = reader.files(original, std::slice::from_ref(name)).await?;
        let kept = reader.files(&wanted.directory, &[layout::KEPT_CONFIGURATION.to_owned()]).await?;
        let digest = |found: &[Option<crate::ports::FileFacts>]| Some(found.first()?.as_ref()?.digest.clone());
        let (own, kept) = (digest(&own), digest(&kept));
        let data = json!({ "name": name, "original": own, "kept": kept });
        let (verdict, summary) = match (own == kept, own.is_some()) {
            (true, true) => (Verdict::Pass, format!("the application's own {name} is kept in the release")),
            (true, false) => (Verdict::Pass, format!("the application has no {name} of its own")),
            (false, _) => (
                Verdict::Abort,
                format!("the release would not have the application's own settings: {name} is not kept in it"),
            ),
        };
        Ok(measurement(verdict, self.0.target.as_str(), summary, data))
    }

    /// Whether the interpreter that runs the application can load the bridge.
    async fn importable(&self, context: &ReadContext<'_>, wanted: &ReleaseContents) -> Result<Measurement, Failure> {
        let package = copy_layout::BRIDGE_PACKAGE;
        let interpreter = format!("{}/bin/python", context.rollout().application.virtualenv);
        let modules = self.reader(context)?.modules(&interpreter, &wanted.directory, &[package.to_owned()]).await?;
        let problem = match modules.first() {
            Some(module) => module.problem.clone(),
            None => Some("no attempt was made".to_owned()),
        };
        let data = json!({ "module": package, "problem": problem });
        let (verdict, summary) = match &problem {
            None => (Verdict::Pass, format!("{interpreter} imports {package} in {}", wanted.directory)),
            Some(why) => {
                (Verdict::Abort, format!("{interpreter} cannot import {package} in {}: {why}", wanted.directory))
            }
        };
        Ok(measurement(verdict, self.0.target.as_str(), summary, data))
    }
}

/// Whether a release is live, or runs.
fn is_in_use(found: &ReleaseFacts) -> bool {
    let runs = found.running.as_ref().is_some_and(|running| running.tree != LiveTree::Original);
    found.live != LiveTree::Original || runs
}

#[async_trait]
impl Change for ReleasePackage {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let wanted = self.contents(context).await.ok();
        let place = match &wanted {
            Some(wanted) => wanted.directory.to_string(),
            None => format!("{}/<digest>", layout::releases(context.rollout())?.directory),
        };
        let what = format!(
            "on {}: the release {place}: {} and the session bridge",
            self.0.target,
            context.rollout().application.directory
        );
        Ok(Diff::of_presence(&self.presence(context, wanted.as_ref()).await?, what))
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        // A rollback must not wait for facts or files of ours.
        let wanted = self.contents(context).await.ok();
        self.presence(context, wanted.as_ref()).await
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let (read, target) = (context.read, &self.0.target);
        let writer = named::writer(context, target)?;
        let build = self.to_build(read).await.map_err(WriteFailure::clean)?;
        let site = layout::site(read.rollout()).map_err(WriteFailure::clean)?;
        read.say(format!("{target}: building the release {}", build.name));
        writer.build_release(permit, &site, &build).await.map_err(|failed| {
            failed.or_hint(|| {
                format!("correct what it names on {target}, then the same command goes on with the release")
            })
        })
    }

    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure> {
        Ok(Facts::new().with_fact(RELEASE_NAME, self.contents(context).await?.name))
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let wanted = self.contents(context).await?;
        let live = self.reader(context)?.releases(&layout::site(context.rollout())?).await?.live;
        let original = layout::original(context.rollout(), &live)?;
        Ok(vec![
            self.same_tree(context, &wanted, &original).await?,
            self.own_files(context, &wanted).await?,
            self.kept_configuration(context, &wanted, &original).await?,
            self.importable(context, &wanted).await?,
        ])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let site = layout::site(context.read.rollout()).map_err(WriteFailure::clean)?;
        let writer = named::writer(context, &self.0.target)?;
        writer.remove_releases(permit, &site).await.map_err(|failed| {
            failed.or_hint(|| "`migrate rollback` restores the original first, then removes releases".to_owned())
        })
    }
}

impl ReleasePackage {
    /// What is to be built, once it is certain that it would be made from the tree of the baseline.
    async fn to_build(&self, context: &ReadContext<'_>) -> Result<ReleaseBuild, Failure> {
        let (rollout, target) = (context.rollout(), self.0.target.as_str());
        let wanted = self.contents(context).await?;
        let reader = self.reader(context)?;
        let live = reader.releases(&layout::site(rollout)?).await?.live;
        let original = layout::original(rollout, &live)?;
        let bridge = bridge_files::wanted(context.plan)?;
        if let Some(why) = bridge_files::hides(&*reader, &original, bridge.keys()).await? {
            return Err(Failure::new(FailureClass::Foreign, format!("{target}: {why}")));
        }
        let tree = reader.tree(&original, &rollout.application.volatile).await?;
        if tree.digest != wanted.tree {
            return Err(Failure::new(
                FailureClass::ProtectedChanged,
                format!(
                    "{target}: {original} is not the tree of the baseline any more ({}, then {})",
                    tree.digest.short(),
                    wanted.tree.short()
                ),
            )
            .hint("find out who changed it. If the change is wanted: `migrate rollback --to 0` and phase 1 again"));
        }
        let files = wanted.files(context).await?;
        Ok(ReleaseBuild { name: wanted.name, files, needed_bytes: tree.bytes.saturating_add(FREE_SPACE_RESERVE_BYTES) })
    }
}
