//! `store_loss_drill`: the path to the store is cut for a while, and the copy is watched before, meanwhile and after.
//!
//! The host cuts and heals by itself. `apply` only asks it to, some seconds ahead, so that there are users who signed in
//! while the store was still there; `verify` watches. A cut nobody watched to its end proves nothing, so a probe calls
//! everything but a cut that is still to come broken, and the engine takes it away and begins again.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::verdict::judge;
use super::watch::DrillWatch;
use crate::core::rollout::HumanDuration;
use crate::core::{ApplyPermit, Contract, Facts, Failure, Input, Measurement, UndoPermit};
use crate::ports::{CutState, PathCut, WritableTarget, WriteFailure};
use crate::steps::facts::USERS_KEPT;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// How long before the cut users need to sign in.
const SIGN_IN_DURATION: Duration = Duration::from_secs(5);

/// Cuts the path from staging to the store, and watches the copy.
pub struct StoreLossDrill(Settings);

/// What a `store_loss_drill` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The store, as `host:port`.
    pub(super) endpoint: Input<String>,
    /// How long users have to sign in before the cut.
    #[serde(default = "begins_after")]
    pub(super) begins_after: HumanDuration,
    /// How long the path is cut.
    #[serde(default = "lasts")]
    pub(super) lasts: HumanDuration,
    /// How soon after that the copy has to read from the store again.
    #[serde(default = "recovery")]
    pub(super) recovery: HumanDuration,
    /// The slowest acceptable answer to a watched user during the cut, and the slowest acceptable 99th percentile of the
    /// others'.
    #[serde(default = "slowest_p99")]
    pub(super) slowest_p99: HumanDuration,
    /// How many users sign in before the cut and are asked after all the while; as many again sign in during it.
    #[serde(default = "watched")]
    #[schemars(range(min = 1, max = 100))]
    pub(super) watched_users: u32,
    /// How many others use the copy during the cut.
    #[serde(default = "load")]
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) load_users: u32,
}

fn begins_after() -> HumanDuration {
    Duration::from_secs(15).into()
}

fn lasts() -> HumanDuration {
    Duration::from_secs(20).into()
}

fn recovery() -> HumanDuration {
    Duration::from_secs(30).into()
}

fn slowest_p99() -> HumanDuration {
    Duration::from_secs(3).into()
}

fn watched() -> u32 {
    5
}

fn load() -> u32 {
    20
}

impl Kind for StoreLossDrill {
    type Settings = Settings;
    const NAME: &'static str = "store_loss_drill";
    const SUMMARY: &'static str = "cuts the path to the store for a while and watches the copy";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[USERS_KEPT.name()];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Change for StoreLossDrill {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let what = format!(
            "the path from {} to the store, cut for {}; the original does not use it",
            context.rollout().staging.host,
            self.0.lasts
        );
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let rollout = context.rollout();
        let state = context.ports.targets.reader(&rollout.staging.host).path_cut(&rollout.name).await?;
        let broken = |why: &str| Presence::Ours(Condition::Broken(why.to_owned()));
        Ok(match state {
            CutState::Whole => Presence::Absent,
            CutState::Armed { begins_in_ms } if Duration::from_millis(begins_in_ms) >= SIGN_IN_DURATION => {
                Presence::Ours(Condition::Usable)
            }
            CutState::Armed { .. } => broken("the cut comes too soon for users to sign in first"),
            CutState::Cut { .. } => broken("the path is cut, and it was not watched from the beginning"),
            CutState::Healed => broken("that cut is over"),
            CutState::Failed { why } => broken(&why),
        })
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let endpoint =
            self.0.endpoint.text(context.read.facts).map_err(|missing| WriteFailure::clean(missing.into()))?;
        let cut = PathCut {
            endpoint: endpoint.parse().map_err(WriteFailure::clean)?,
            rollout: rollout.name.clone(),
            begins_after: self.0.begins_after.get(),
            lasts: self.0.lasts.get(),
        };
        context.ports.targets.writer(&WritableTarget::staging(rollout)).cut_path(permit, &cut).await
    }

    async fn settle(&self, _: &ReadContext<'_>) -> Result<Facts, Failure> {
        // It becomes one only when `verify` finds that nobody's was lost.
        Ok(Facts::new().with_fact(USERS_KEPT, self.0.watched_users))
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let watch = DrillWatch::new(context, &self.0)?;
        let found = watch.whole_drill().await?;
        Ok(judge(&found, &self.0, &watch.resource()))
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        context.ports.targets.writer(&WritableTarget::staging(rollout)).restore_path(permit, &rollout.name).await
    }
}
