//! `switched_target_check`: the proof that a target that was switched serves: with these settings, this many workers, for
//! strangers and for users, on this store, and without anybody having lost a session.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::service;
use crate::core::rollout::{CohortNumbers, LoadBalancer, ProductionTarget, Rollout};
use crate::core::{Contract, Facts, Failure, FailureClass, Input, Measurement, Statement, Verdict};
use crate::steps::facts::STORE_RUN_ID;
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::copy_access::Trial;
use crate::steps::site::session_on_store;
use crate::steps::site::session_on_store::{CookieName, Opened, Wanted};
use crate::steps::site::settings_in_force;
use crate::steps::site::settings_in_force::Running;
use crate::steps::site::{journey_walk, release_layout};
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step, cohort, production_target};

/// How many times something without an answer is asked for before it counts as the application's fault.
const MAX_ATTEMPTS: u32 = 3;
/// How long to wait before each retry.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Looks at it from all sides.
pub struct SwitchedTargetCheck(Settings);

/// What a `switched_target_check` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The production target that was switched.
    target: String,
    /// The store, as `host:port`.
    endpoint: Input<String>,
}

impl Kind for SwitchedTargetCheck {
    type Settings = Settings;
    const NAME: &'static str = "switched_target_check";
    const SUMMARY: &'static str = "proves that a switched target serves strangers and users, and has lost no session";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

/// A side that is looked at. In this order: what needs others comes after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Workers,
    Health,
    Routes,
    Settings,
    NewSession,
    Store,
    Cohort,
    LoadBalancer,
}

impl Side {
    const ALL: [Self; 8] = [
        Self::Workers,
        Self::Health,
        Self::Routes,
        Self::Settings,
        Self::NewSession,
        Self::Store,
        Self::Cohort,
        Self::LoadBalancer,
    ];

    /// Whether only the application can be to blame when there is no answer, as long as its host can be reached.
    fn is_the_applications(self) -> bool {
        matches!(self, Self::Health | Self::Routes | Self::Settings | Self::NewSession)
    }

    fn what(self) -> &'static str {
        match self {
            Self::Workers => "its processes",
            Self::Health => "its health",
            Self::Routes => "the declared journeys",
            Self::Settings => "the settings in force",
            Self::NewSession => "a new session",
            Self::Store => "where a new session is",
            Self::Cohort => "the users from before the change",
            Self::LoadBalancer => "the load balancer",
        }
    }
}

#[async_trait]
impl Observe for SwitchedTargetCheck {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let users = rollout.cohort.users;
        let balanced = match &rollout.production.load_balancer {
            LoadBalancer::Group(group) => format!(", and whether {} sends users there", group.target_group),
            LoadBalancer::None(_) => String::new(),
        };
        let what = format!(
            "{}: settings and workers, health without and with a cookie, the journeys, where a new session is, the {users} users from before the change{balanced}",
            self.0.target
        );
        Diff::one(DiffAction::Read, what)
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        crate::steps::targets::group_inspection::reads(rollout)
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let target = production_target::find(context.rollout(), &self.0.target)?;
        let numbers = production_target::numbers(context.rollout(), target);
        let endpoint = self.0.endpoint.text(context.facts)?;
        let mut looking = Looking { context, target, numbers, endpoint, running: None, opened: None };
        let mut measurements = Vec::new();
        for side in Side::ALL {
            let (seen, is_over) = looking.tried(side).await?;
            measurements.extend(seen);
            if is_over {
                break;
            }
        }
        let hint = "this target must not stay so: `migrate rollback --to 3` restores the previous release everywhere";
        Ok(Observation { facts: Facts::new(), failure: failure_of(&measurements, hint), measurements })
    }
}

/// One look.
struct Looking<'a> {
    context: &'a ReadContext<'a>,
    target: &'a ProductionTarget,
    numbers: CohortNumbers,
    endpoint: String,
    running: Option<Running>,
    /// The session that was opened now.
    opened: Option<Opened>,
}

impl Looking<'_> {
    /// Looks at one side, more than once when nothing answers. Whether there is no use in going on.
    async fn tried(&mut self, side: Side) -> Result<(Vec<Measurement>, bool), Failure> {
        let clock = &self.context.ports.clock;
        let mut tried = 1;
        let failure = loop {
            match self.side(side).await {
                Ok(seen) => return Ok((seen, side == Side::Workers && self.running.is_none())),
                Err(failure) if failure.class.is_retryable() && tried < MAX_ATTEMPTS => {
                    self.context.say(format!("{} ({}); asking again", failure.message, failure.class));
                    clock.sleep(RETRY_INTERVAL).await;
                    tried += 1;
                }
                Err(failure) => break failure,
            }
        };
        if !side.is_the_applications() || !matches!(failure.class, FailureClass::Transient | FailureClass::Permanent) {
            return Err(failure);
        }
        // Without a way to the host nothing is known about the application.
        self.context.ports.targets.reader(&self.target.host).hello().await?;
        let words = format!("{} cannot be asked for {}: {}", self.target.name, side.what(), failure.message);
        let seen = measurement(Verdict::Abort, self.target.name.as_str(), words, serde_json::Value::Null);
        Ok((vec![seen], true))
    }

    async fn side(&mut self, side: Side) -> Result<Vec<Measurement>, Failure> {
        let (context, target) = (self.context, self.target);
        let [walker, other] = self.numbers.walkers;
        Ok(match side {
            Side::Workers => {
                let (running, seen) = service::workers(context, target).await?;
                self.running = running;
                vec![seen]
            }
            Side::Health => service::health(context, target, walker).await?,
            Side::Routes => {
                let trial = Trial::of_production(context, target).await?;
                vec![journey_walk::by_two_users(context, &trial, [walker, other]).await?]
            }
            Side::Settings => {
                let Some(running) = &self.running else { return Ok(Vec::new()) };
                let trial = Trial::of_production(context, target).await?;
                let variables = service::variables(context, target).await?;
                settings_in_force::ask(&trial, walker, running, &variables).await?
            }
            Side::NewSession => {
                let trial = Trial::of_production(context, target).await?;
                match session_on_store::open(context, &trial, other, CookieName::Applications).await? {
                    Ok(opened) => {
                        let seen = session_on_store::as_said(&trial, &self.wanted(&opened)?, &opened);
                        self.opened = Some(opened);
                        vec![seen]
                    }
                    Err(found) => vec![found],
                }
            }
            Side::Store => {
                let Some(opened) = &self.opened else { return Ok(Vec::new()) };
                let trial = Trial::of_production(context, target).await?;
                let wanted = self.wanted(opened)?;
                vec![session_on_store::on_this_store(context, &trial, &target.host, &wanted, false).await?]
            }
            Side::Cohort => {
                vec![cohort::replay(context, target.name.as_str()).await?.measurement(target.name.as_str())]
            }
            Side::LoadBalancer => vec![service::load_balancer(context, target).await?],
        })
    }

    fn wanted(&self, opened: &Opened) -> Result<Wanted, Failure> {
        let prefix = release_layout::key_prefix(self.context.rollout());
        let run_id = STORE_RUN_ID.known(self.context.facts);
        let key = format!("{prefix}{}", opened.sid);
        Ok(Wanted { endpoint: self.endpoint.parse()?, run_id, prefix, key })
    }
}
