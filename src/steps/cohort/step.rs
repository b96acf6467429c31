//! `session_cohort`: opens synthetic users on a production target before it is changed. Its undo asks them a last time:
//! that is the proof that a rollback has lost nobody.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::core::{ApplyPermit, Contract, Facts, Failure, FailureClass, Measurement, Plan, UndoPermit, Verdict};
use crate::ports::{DirectoryState, FileContent, Installation, InstalledFile, WriteFailure};
use crate::steps::measure::measurement;
use crate::steps::site::release_layout;
use crate::steps::targets::named;
use crate::steps::{
    Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext, cohort, production_target,
};

/// How many times users without an answer are asked again in the last check.
const MAX_RETRIES: u32 = 3;
/// How long to wait before each retry.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// Only its owner may read it.
const FILE_MODE: u32 = 0o600;

/// Whether the plan opens synthetic users on its targets.
pub fn is_planned(plan: &Plan) -> bool {
    plan.steps().iter().any(|step| step.kind.as_str() == SessionCohort::NAME)
}

/// Opens them.
pub struct SessionCohort(Settings);

/// What a `session_cohort` step is told. How many users is the site's: `cohort` in rollout.yaml.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The production target they are on.
    target: String,
}

impl Kind for SessionCohort {
    type Settings = Settings;
    const NAME: &'static str = "session_cohort";
    const SUMMARY: &'static str = "opens synthetic users on a production target, who must not notice its change";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Change for SessionCohort {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let users = context.rollout().cohort.users;
        let what = format!("on {}: {users} synthetic users, who are asked again after every change", self.0.target);
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let target = production_target::find(context.rollout(), &self.0.target)?;
        let place = release_layout::releases(context.rollout())?;
        let reader = context.ports.targets.reader(&target.host);
        match reader.owned_directory(&place).await? {
            DirectoryState::Foreign(why) => return Ok(Presence::Foreign(why)),
            DirectoryState::Missing => return Ok(Presence::Absent),
            DirectoryState::Unfinished | DirectoryState::Complete => {}
        }
        let found = reader.files(&place.directory, &[release_layout::COHORT.to_owned()]).await?;
        let Some(facts) = found.into_iter().flatten().next() else { return Ok(Presence::Absent) };
        if facts.mode != FILE_MODE {
            let why = format!("{} has the mode {:o}, not {FILE_MODE:o}", release_layout::COHORT, facts.mode);
            return Ok(Presence::Ours(Condition::Broken(why)));
        }
        Ok(Presence::Ours(match cohort::kept_on(context, target).await {
            Ok(Some(_)) => Condition::Usable,
            Ok(None) => return Ok(Presence::Absent),
            Err(failure) if failure.class == FailureClass::Permanent => Condition::Broken(failure.message),
            Err(failure) => return Err(failure),
        }))
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let writable = named::writable(context, &self.0.target)?;
        let target = production_target::find(rollout, &self.0.target).map_err(WriteFailure::clean)?;
        // Until the file is there, nothing knows them: whoever is opened in vain is a user who never comes back.
        let opened = cohort::open(context.read, target).await.map_err(WriteFailure::clean)?;
        let content = FileContent::Private(cohort::to_file(&opened).map_err(WriteFailure::clean)?);
        let place = release_layout::releases(rollout).map_err(WriteFailure::clean)?;
        let files = vec![InstalledFile { path: release_layout::COHORT.to_owned(), content }];
        context.ports.targets.writer(&writable).install(permit, &Installation { place, files }).await
    }

    async fn settle(&self, _: &ReadContext<'_>) -> Result<Facts, Failure> {
        Ok(Facts::new())
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let name = self.0.target.as_str();
        let target = production_target::find(context.rollout(), name)?;
        let Some(kept) = cohort::kept_on(context, target).await? else {
            let words = format!("no users are kept on {name}, although they were opened");
            return Ok(vec![measurement(Verdict::Abort, name, words, json!({}))]);
        };
        let (questions, compared) = kept.compared();
        let data = json!({ "users": kept.members.len(), "questions": questions, "compared": compared });
        let wanted = usize::try_from(context.rollout().cohort.users).unwrap_or(usize::MAX);
        let (verdict, words) = match kept.members.len() {
            users if users == wanted => (
                Verdict::Pass,
                format!(
                    "{users} users are on {name}; {compared} of {questions} answers to them are the same every time"
                ),
            ),
            users => (Verdict::Abort, format!("{users} users are on {name}, and not {wanted}")),
        };
        Ok(vec![measurement(verdict, name, words, data), cohort::replay(context, name).await?.measurement(name)])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let writable = named::writable(context, &self.0.target)?;
        let place = release_layout::releases(context.read.rollout()).map_err(WriteFailure::clean)?;
        let proof = self.last_asked(context.read).await.map_err(WriteFailure::clean)?;
        // Whatever became of them, nobody needs them any more; and a rollback that is asked for again goes on.
        let paths = [release_layout::COHORT.to_owned()];
        context.ports.targets.writer(&writable).uninstall(permit, &place, &paths).await?;
        match proof {
            None => Ok(()),
            Some(failure) => Err(WriteFailure::unknown(failure)),
        }
    }
}

impl SessionCohort {
    /// Asks them a last time: what is to be said about it, when not all of them were kept.
    async fn last_asked(&self, context: &ReadContext<'_>) -> Result<Option<Failure>, Failure> {
        let name = self.0.target.as_str();
        let target = production_target::find(context.rollout(), name)?;
        let asked = match cohort::kept_on(context, target).await {
            Ok(None) => return Ok(None),
            Ok(Some(_)) => cohort::replay(context, name).await?,
            // One that nobody can read can still be removed.
            Err(failure) if failure.class == FailureClass::Permanent => {
                context.say(format!("{}; it is removed without being asked", failure.message));
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        };
        let mut asked = asked;
        // A master that has just taken over may not answer yet.
        for _ in 0..MAX_RETRIES {
            if asked.harmed() > 0 || asked.unanswered == 0 {
                break;
            }
            context.say(format!("{}; asking again", asked.words(name)));
            context.ports.clock.sleep(RETRY_INTERVAL).await;
            asked = cohort::replay(context, name).await?;
        }
        context.say(asked.words(name));
        if asked.verdict().passes() {
            return Ok(None);
        }
        let hint = "look at the application on that target: no undo brings these sessions back. The same command goes on, \
                    and does not ask them again";
        Ok(Some(Failure::permanent(asked.words(name)).hint(hint)))
    }
}
