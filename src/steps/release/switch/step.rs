//! `in_place_switch`: the live path names the release, and a new main process serves from it, without a connection refused.
//! Its undo is the way back that on-call depends on. Where rollout.yaml asks for it (`production.drain`), no user is sent to the
//! target meanwhile.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::facts::{before_of, switched};
use super::out_of_service;
use super::out_of_service::{Cost, OutOfService};
use super::presence::{is_settled, presence, runs};
use super::readings::named;
use crate::core::rollout::Rollout;
use crate::core::{ApplyPermit, Contract, Facts, Failure, FailureClass, Measurement, Outcome, Statement, UndoPermit};
use crate::ports::{DirectoryState, LiveTree, ReleaseFacts, ReleaseName, TreeFacts, WriteFailure};
use crate::steps::facts::{SWITCHED_MASTER, SWITCHED_STARTED_TICKS};
use crate::steps::site::release_facts::{known_release, release, wanted_workers};
use crate::steps::site::release_layout as layout;
use crate::steps::targets::named;
use crate::steps::{
    Change, Condition, Diff, DiffAction, DiffLine, Kind, Presence, ReadContext, Step, WriteContext, cohort, waiting,
};

/// How long a new main process may take until all its workers serve. Much longer than any start: it is only reached when
/// something is wrong.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How long to wait after that until everything is as it should be: old processes finish their requests. What is not so then
/// is for `switched_processes` to judge: its Abort rolls the switch back, and a failure here would not.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Upper bound for re-checking the cohort after a rollback, and AWS before it: what comes next in a rollback waits for it.
const RECHECK_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait between two reads.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Switches.
pub struct InPlaceSwitch {
    settings: Settings,
    /// The users that it has cost, counted before they were logged out: afterwards nobody can.
    cost: Mutex<Option<Cost>>,
}

/// What an `in_place_switch` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The production target; under `each_target` it is set by itself.
    target: String,
}

impl Kind for InPlaceSwitch {
    type Settings = Settings;
    const NAME: &'static str = "in_place_switch";
    const SUMMARY: &'static str =
        "switches a running service to the release in place; its undo switches it to the original";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[SWITCHED_MASTER.name(), SWITCHED_STARTED_TICKS.name()];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self { settings, cost: Mutex::default() }))
    }
}

impl InPlaceSwitch {
    async fn look(&self, context: &ReadContext<'_>) -> Result<ReleaseFacts, Failure> {
        named::reader(context, &self.settings.target)?.releases(&layout::site(context.rollout())?).await
    }

    /// The original, if it is there.
    async fn original(&self, context: &ReadContext<'_>, found: &ReleaseFacts) -> Result<Option<TreeFacts>, Failure> {
        if !found.has_original {
            return Ok(None);
        }
        let rollout = context.rollout();
        let original = layout::original(rollout, &found.live)?;
        let reader = named::reader(context, &self.settings.target)?;
        reader.tree(&original, &rollout.application.volatile).await.map(Some)
    }

    /// What users of before the change meet with now; nothing when there are none.
    async fn asked(&self, context: &ReadContext<'_>) -> Option<String> {
        match cohort::replay(context, &self.settings.target).await {
            Ok(replayed) => (replayed.users > 0).then(|| replayed.words(&self.settings.target)),
            Err(failure) => Some(format!(
                "{}: the synthetic users opened before the change could not be checked: {}",
                self.settings.target, failure.message
            )),
        }
    }

    /// What is there, once it is certain that there is a tree to go back to, and a release to go to.
    async fn with_a_way_back(&self, context: &ReadContext<'_>, release: &ReleaseName) -> Result<ReleaseFacts, Failure> {
        let (target, unit) = (self.settings.target.as_str(), &context.rollout().application.unit);
        let found = self.look(context).await?;
        if let LiveTree::Foreign(why) = &found.live {
            return Err(Failure::new(FailureClass::Foreign, format!("{target}: {why}")));
        }
        let rest = "`migrate phase 4` again, once it is there, or `migrate rollback`";
        if let Some(running) = &found.running
            && let LiveTree::Foreign(what) = &running.tree
        {
            let failure = Failure::permanent(format!(
                "{target}: process {} of {unit} runs in {what}, which is neither the original nor a release",
                running.master.pid
            ));
            return Err(
                failure.hint(format!("have {unit} run in {}; then {rest}", context.rollout().application.directory))
            );
        }
        if !found.releases.contains(release) {
            return Err(Failure::permanent(format!("{target}: the release {release} is not there, or not whole"))
                .hint(format!("`migrate rollback --to 3`, then `migrate phase 4` builds it again; {rest}")));
        }
        if !found.room.may_hand_over {
            return Err(Failure::permanent(format!(
                "{target}: {unit} may not change its main process: the drop-in of ours is gone"
            ))
            .hint(rest));
        }
        let before = before_of(context, &self.settings.target)?;
        match self.original(context, &found).await? {
            None => Err(Failure::permanent(format!("{target}: the original is gone, and there would be no way back"))
                .hint(format!("put it back from where it was kept; {rest}"))),
            Some(tree) if tree.digest != before.tree => Err(Failure::new(
                FailureClass::ProtectedChanged,
                format!(
                    "{target}: the original is not as it was ({}, then {}): going back would not lead to what ran before",
                    tree.digest.short(),
                    before.tree.short()
                ),
            )
            .hint("find out who changed it. If the change is wanted: `migrate rollback --to 0` and phase 1 again")),
            Some(_) => Ok(found),
        }
    }

    async fn switch(
        &self,
        context: &WriteContext<'_>,
        permit: &ApplyPermit,
        release: &ReleaseName,
    ) -> Result<(), WriteFailure> {
        let (read, target) = (context.read, &self.settings.target);
        let writer = named::writer(context, target)?;
        let site = layout::site(read.rollout()).map_err(WriteFailure::clean)?;
        read.say(format!("{target}: switching to the release {release}"));
        writer.switch_to_release(permit, &site, release, START_TIMEOUT).await.map_err(|failed| {
            failed.or_hint(|| {
                format!(
                    "{target} serves as before. Find out why: the error log of {} there; then `migrate phase 4` tries \
                     again, or `migrate rollback` restores the state before phase 4",
                    site.unit
                )
            })
        })
    }

    /// The same while no user is sent to the target. Three writes under one intent: what the target runs and whether it is
    /// registered are looked at apart, so a probe can tell which of them a crash left out.
    async fn switch_out_of_service(
        &self,
        context: &WriteContext<'_>,
        permit: &ApplyPermit,
        out: &OutOfService<'_>,
        release: &ReleaseName,
    ) -> Result<(), WriteFailure> {
        let cloud = &*context.ports.cloud;
        // Nothing was done yet in this attempt; but an earlier one may have taken the target out.
        let is_out = out.is_out().await.map_err(WriteFailure::unknown)?;
        let honest =
            |failure| WriteFailure { outcome: if is_out { Outcome::Unknown } else { Outcome::Clean }, failure };
        let found = self.with_a_way_back(context.read, release).await.map_err(honest)?;
        let serves = runs(&found, release);
        if serves && !is_out {
            return self.switch(context, permit, release).await;
        }
        let cost = out.cost(release).await;
        *self.cost.lock().unwrap_or_else(PoisonError::into_inner) = Some(cost.clone());
        if !serves {
            out.leave(cloud, permit, &cost).await?;
        }
        match self.switch(context, permit, release).await {
            Ok(()) => out.come_back(cloud, permit.into()).await,
            Err(failed) if failed.outcome == Outcome::Clean => Err(out.give_back(cloud, permit, failed.failure).await),
            // Nobody knows what it serves: no user is sent there until somebody does.
            Err(failed) => Err(failed),
        }
    }

    /// What there is, with what the load balancer says. It is asked only when nothing else is left to do, and only about
    /// a target with room of ours: without it we have not taken it out.
    async fn in_service(
        &self,
        context: &ReadContext<'_>,
        found: &ReleaseFacts,
        seen: Presence,
    ) -> Result<Presence, Failure> {
        let Some(out) = OutOfService::declared(context, &self.settings.target)? else { return Ok(seen) };
        let is_settled = matches!(seen, Presence::Absent | Presence::Ours(Condition::Usable));
        if !is_settled || found.room.directory == DirectoryState::Missing {
            return Ok(seen);
        }
        let asked = tokio::select! {
            is_out = out.is_out() => is_out,
            () = context.ports.clock.sleep(RECHECK_TIMEOUT) => Err(Failure::transient("AWS did not answer in time")),
        };
        match asked {
            Ok(true) => Ok(Presence::Ours(Condition::Unfinished)),
            Ok(false) => Ok(seen),
            // Both ways ask again, and the way back goes back first: a bad release must not serve on because AWS is away.
            Err(_) if seen != Presence::Absent => Ok(Presence::Ours(Condition::Unfinished)),
            Err(_) if came_back(context.facts) => Ok(seen),
            Err(failure) => Err(failure),
        }
    }

    /// Puts a target that is on the original into service, if it is not.
    async fn back_in_service(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let read = context.read;
        let target = &self.settings.target;
        let Some(out) = OutOfService::declared(read, target).map_err(WriteFailure::unknown)? else { return Ok(()) };
        match out.is_out().await {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            // It came back when it was switched, and since then nobody of ours has taken it out.
            Err(failure) if came_back(read.facts) => {
                read.say(format!("{target}: whether it is in service is unknown: {}", failure.message));
                return Ok(());
            }
            Err(failure) => return Err(WriteFailure::unknown(failure)),
        }
        out.come_back(&*context.ports.cloud, permit.into()).await?;
        // Before anything else is gone back from: it may be the only one that serves then.
        match out.healthy().await {
            Ok(None) => {}
            Ok(Some(why)) | Err(Failure { message: why, .. }) => read.say(format!("{target}: {why}")),
        }
        Ok(())
    }
}

/// Whether the target has been in service with the release: it is known only of a switch that came to its end.
fn came_back(facts: &Facts) -> bool {
    SWITCHED_MASTER.known(facts).is_some()
}

/// What there is to know of a switched service.
fn learnt(found: &ReleaseFacts) -> Facts {
    found.running.as_ref().map_or_else(Facts::new, |running| {
        Facts::new()
            .with_fact(SWITCHED_MASTER, running.master.pid)
            .with_fact(SWITCHED_STARTED_TICKS, running.master.started_ticks)
    })
}

#[async_trait]
impl Change for InPlaceSwitch {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let application = &context.rollout().application;
        let found = self.look(context).await?;
        let wanted = known_release(context.facts);
        let to = wanted.as_ref().map_or_else(|| "the release".to_owned(), |name| format!("the release {name}"));
        let what = format!(
            "on {}: {} goes from {} to {to} while it serves (a new main process beside the old one)",
            self.settings.target,
            application.unit,
            named(&found.live)
        );
        let seen = self.in_service(context, &found, presence(&found, wanted.as_ref())).await?;
        let mut diff = Diff::of_presence(&seen, what);
        if let Some(out) = OutOfService::declared(context, &self.settings.target)?
            && matches!(seen, Presence::Absent | Presence::Ours(Condition::Unfinished))
        {
            let built = wanted.filter(|release| found.releases.contains(release));
            let what = out.planned(built.as_ref()).await;
            diff.lines.push(DiffLine { action: DiffAction::Change, what });
        }
        Ok(diff)
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        out_of_service::actions(rollout)
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let found = self.look(context).await?;
        self.in_service(context, &found, presence(&found, known_release(context.facts).as_ref())).await
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let read = context.read;
        // Who may not write on the target must not take it out of service either.
        named::writable(context, &self.settings.target)?;
        let release = release(read.facts).map_err(WriteFailure::clean)?;
        match OutOfService::declared(read, &self.settings.target).map_err(WriteFailure::clean)? {
            Some(out) => self.switch_out_of_service(context, permit, &out, &release).await,
            None => {
                self.with_a_way_back(read, &release).await.map_err(WriteFailure::clean)?;
                self.switch(context, permit, &release).await
            }
        }
    }

    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure> {
        let (release, wanted) = (release(context.facts)?, wanted_workers(context)?);
        let clock = &*context.ports.clock;
        let began = clock.elapsed();
        let found = loop {
            let late = clock.elapsed().saturating_sub(began) >= SETTLE_TIMEOUT;
            match self.look(context).await {
                Ok(found) if late || is_settled(&found, &release, wanted) => break found,
                Err(failure) if late || !waiting::is_passing(&failure) => return Err(failure),
                Ok(_) | Err(_) => clock.sleep(POLL_INTERVAL).await,
            }
        };
        // One that nobody is sent to is for `switched_target_check` to judge, for the same reason.
        if let Some(out) = OutOfService::declared(context, &self.settings.target)?
            && let Some(why) = out.healthy().await?
        {
            context.say(format!("{}: {why}", self.settings.target));
        }
        Ok(learnt(&found))
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let found = self.look(context).await?;
        let original = self.original(context, &found).await?;
        let mut measured = switched(context, &self.settings.target)?.places(&found, original.as_ref());
        let cost = self.cost.lock().unwrap_or_else(PoisonError::into_inner);
        measured.extend(cost.as_ref().map(Cost::measurement));
        Ok(measured)
    }

    /// One call and nothing before it: every second is one in which a bad release serves. Who was lost is only said: nothing
    /// that is found out then may hold up the way back, and the cohort's own undo fails on it.
    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let target = &self.settings.target;
        let site = layout::site(context.read.rollout()).map_err(WriteFailure::clean)?;
        let writer = named::writer(context, target)?;
        writer.switch_to_original(permit, &site, START_TIMEOUT).await.map_err(|failed| {
            failed.or_hint(|| {
                format!(
                    "correct what it names on {target}, then `migrate rollback` resumes; by hand: \"Going back by \
                     hand\" in docs/runbook.md"
                )
            })
        })?;
        self.back_in_service(context, permit).await?;
        tokio::select! {
            words = self.asked(context.read) => words.into_iter().for_each(|words| context.read.say(words)),
            () = context.read.ports.clock.sleep(RECHECK_TIMEOUT) => {}
        }
        Ok(())
    }
}
