//! A target that no user is sent to while it is switched, where rollout.yaml asks for that. It costs the users whose sessions
//! only this target has, so they are counted and named before it leaves.

use std::time::Duration;

use serde_json::json;

use crate::core::rollout::{ProductionTarget, Rollout};
use crate::core::{ApplyPermit, EitherPermit, Failure, Measurement, Statement, Verdict};
use crate::ports::{CensusFacts, CensusJob, CloudWrite, ReleaseName, TargetHealth, TargetPlace, WriteFailure};
use crate::steps::account::arn;
use crate::steps::measure::measurement;
use crate::steps::site::release_layout;
use crate::steps::targets::group_inspection;
use crate::steps::{ReadContext, production_target, waiting};

/// How long to wait between two reads of the target group.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// What it takes, where rollout.yaml asks for it.
pub fn actions(rollout: &Rollout) -> Vec<Statement> {
    let Some((group, _)) = rollout.production.drained() else { return Vec::new() };
    let mut statements = group_inspection::reads(rollout);
    statements.push(group_inspection::instance_reads());
    statements.push(Statement {
        purpose: "take a target out of service and back".into(),
        actions: vec!["elasticloadbalancing:DeregisterTargets".into(), "elasticloadbalancing:RegisterTargets".into()],
        // The last part of a target group's ARN is a number that only AWS knows.
        resources: vec![arn::regional(
            rollout,
            "elasticloadbalancing",
            &format!("targetgroup/{}/*", group.target_group),
        )],
    });
    statements
}

/// A target that leaves its target group while it is switched.
pub struct OutOfService<'a> {
    context: &'a ReadContext<'a>,
    target: &'a ProductionTarget,
    group: &'a str,
    at_most: Duration,
}

/// How the target is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// It is, and how the load balancer judges it.
    In(TargetHealth),
    /// Not for long: it finishes what it has.
    Leaving,
    /// Not any more.
    Out,
}

/// The state of a target in its target group.
struct TargetObservation {
    arn: String,
    place: TargetPlace,
    standing: Standing,
    /// Whether another target is in service.
    others_serve: bool,
}

impl<'a> OutOfService<'a> {
    /// The target, if rollout.yaml asks for it; `None` is the rule, and nothing in here is called then.
    ///
    /// # Errors
    /// When rollout.yaml has no such target.
    pub fn declared(context: &'a ReadContext<'a>, target: &str) -> Result<Option<Self>, Failure> {
        let Some((group, drain)) = context.rollout().production.drained() else { return Ok(None) };
        let target = production_target::find(context.rollout(), target)?;
        Ok(Some(Self { context, target, group: &group.target_group, at_most: drain.at_most.get() }))
    }

    async fn look(&self) -> Result<TargetObservation, Failure> {
        let port = self.context.rollout().application.port.number();
        let place = TargetPlace { id: group_inspection::instance_id(self.context, self.target).await?, port };
        let facts = self.context.ports.cloud.target_group(self.group).await?.ok_or_else(|| {
            Failure::permanent(format!(
                "there is no target group `{}` in {}",
                self.group,
                self.context.rollout().region
            ))
            .hint("correct production.load_balancer in rollout.yaml, or use the right credentials")
        })?;
        let standing = match facts.targets.iter().find(|target| place.is(target)).map(|target| &target.health) {
            None => Standing::Out,
            Some(TargetHealth::Draining) => Standing::Leaving,
            Some(health) => Standing::In(health.clone()),
        };
        let serves = |target: &&_| !place.is(target) && target.health == TargetHealth::Healthy;
        let others_serve = facts.targets.iter().any(|target| serves(&target));
        Ok(TargetObservation { arn: facts.arn, place, standing, others_serve })
    }

    /// Whether it is not registered, or will not be in a moment.
    ///
    /// # Errors
    /// When AWS cannot be asked.
    pub async fn is_out(&self) -> Result<bool, Failure> {
        Ok(!matches!(self.look().await?.standing, Standing::In(_)))
    }

    /// What a plan says of it.
    pub async fn planned(&self, release: Option<&ReleaseName>) -> String {
        let counted = match release {
            Some(release) => self.census(release).await.ok(),
            None => None,
        };
        let users = match counted {
            Some(facts) => format!("{} now, counted again before it is done", sessions(&facts)),
            None => "counted when it is done".to_owned(),
        };
        format!(
            "on {}: it leaves {} before that and comes back after it; the users whose sessions only it has are logged out \
             ({users})",
            self.target.name, self.group
        )
    }

    /// Counts the users that it costs. That they cannot be counted is part of the answer.
    pub async fn cost(&self, release: &ReleaseName) -> Cost {
        let counted = self.census(release).await.map_err(|failure| failure.message);
        Cost { target: self.target.name.to_string(), group: self.group.to_owned(), counted }
    }

    async fn census(&self, release: &ReleaseName) -> Result<CensusFacts, Failure> {
        let rollout = self.context.rollout();
        let job = CensusJob {
            unit: rollout.application.unit.clone(),
            bridge: release_layout::release(rollout, release)?,
            application: rollout.application.directory.clone(),
        };
        self.context.ports.targets.reader(&self.target.host).session_census(&job).await
    }

    /// Takes it out of service, and waits until it has finished what it had. Goes on with what a crash has left.
    ///
    /// # Errors
    /// Clean when it stays in service: because nobody else would serve, or because it does not leave in time.
    pub async fn leave(&self, cloud: &dyn CloudWrite, permit: &ApplyPermit, cost: &Cost) -> Result<(), WriteFailure> {
        let (name, group) = (&self.target.name, self.group);
        // An earlier attempt may have taken it out.
        let seen = self.look().await.map_err(WriteFailure::unknown)?;
        if matches!(seen.standing, Standing::In(_)) {
            if !seen.others_serve {
                let why = format!(
                    "{name} stays in {group}: no other target in it is healthy, so no target would serve users"
                );
                let hint = "see to the other targets; then `migrate phase 4` again";
                return Err(WriteFailure::clean(Failure::permanent(why).hint(hint)));
            }
            self.context.say(cost.before());
            cloud.deregister_target(permit, &seen.arn, &seen.place).await?;
        }
        match self.until(|standing| *standing == Standing::Out).await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => {
                let why = format!("{name} has not left {group} within {} s: {why}", self.at_most.as_secs());
                let hint = "set production.drain.at_most in rollout.yaml to more than the target group's deregistration \
                            delay (`aws elbv2 describe-target-group-attributes`); then `migrate replan --reason WHY`";
                Err(self.keep(cloud, permit, &seen, Failure::permanent(why).hint(hint)).await)
            }
            Err(failure) => Err(self.keep(cloud, permit, &seen, failure).await),
        }
    }

    /// It was to leave and could not: it gets users again.
    async fn keep(
        &self,
        cloud: &dyn CloudWrite,
        permit: &ApplyPermit,
        seen: &TargetObservation,
        failure: Failure,
    ) -> WriteFailure {
        // Without another look: what AWS says lags behind what it was told.
        match cloud.register_target(permit.into(), &seen.arn, &seen.place).await {
            Ok(()) => WriteFailure::clean(failure),
            Err(failed) => self.still_out(failure, &failed.failure),
        }
    }

    /// Puts it back into service after something failed clean, so that what is said of it is true.
    pub async fn give_back(&self, cloud: &dyn CloudWrite, permit: &ApplyPermit, failure: Failure) -> WriteFailure {
        let problem = match self.come_back(cloud, permit.into()).await {
            Err(failed) => failed.failure,
            Ok(()) => match self.healthy().await {
                Ok(None) => return WriteFailure::clean(failure),
                Ok(Some(why)) => Failure::permanent(why),
                Err(other) => other,
            },
        };
        self.still_out(failure, &problem)
    }

    fn still_out(&self, failure: Failure, why: &Failure) -> WriteFailure {
        let message = format!("{}; and {} is not back in service: {}", failure.message, self.target.name, why.message);
        WriteFailure::unknown(Failure { message, ..failure })
    }

    /// Registers it, unless it is registered.
    ///
    /// # Errors
    /// When AWS cannot be asked or refuses.
    pub async fn come_back(&self, cloud: &dyn CloudWrite, permit: EitherPermit<'_>) -> Result<(), WriteFailure> {
        let seen = self.look().await.map_err(WriteFailure::unknown)?;
        if matches!(seen.standing, Standing::In(_)) {
            return Ok(());
        }
        self.context.say(format!("{}: registering it in {} again", self.target.name, self.group));
        let registered = cloud.register_target(permit, &seen.arn, &seen.place).await;
        registered.map_err(|failed| {
            // Refused or not, the target is out of service.
            WriteFailure::unknown(failed.failure).or_hint(|| {
                format!(
                    "the same command tries again; by hand: aws elbv2 register-targets --target-group-arn {} --targets \
                     Id={},Port={}",
                    seen.arn, seen.place.id, seen.place.port
                )
            })
        })
    }

    /// Waits until it gets users again; what is in the way, when that takes too long.
    ///
    /// # Errors
    /// When AWS cannot be asked.
    pub async fn healthy(&self) -> Result<Option<String>, Failure> {
        let why = self.until(|standing| *standing == Standing::In(TargetHealth::Healthy)).await?;
        Ok(why.map(|why| {
            let (name, seconds) = (&self.target.name, self.at_most.as_secs());
            format!("{} sends no users to {name} after {seconds} s: {why}", self.group)
        }))
    }

    /// Waits; what is in the way, when it takes too long.
    async fn until(&self, is_there: impl Fn(&Standing) -> bool + Send) -> Result<Option<String>, Failure> {
        let clock = &self.context.ports.clock;
        let began = clock.elapsed();
        loop {
            let why = match self.look().await {
                Ok(seen) if is_there(&seen.standing) => return Ok(None),
                Ok(seen) => words(&seen.standing),
                Err(failure) if waiting::is_passing(&failure) => failure.message,
                Err(failure) => return Err(failure),
            };
            if clock.elapsed().saturating_sub(began) >= self.at_most {
                return Ok(Some(why));
            }
            self.context.say(format!("{}: waiting for {}: {why}", self.target.name, self.group));
            clock.sleep(POLL_INTERVAL).await;
        }
    }
}

fn words(standing: &Standing) -> String {
    match standing {
        Standing::In(TargetHealth::Unhealthy(why) | TargetHealth::Idle(why)) => format!("it is not healthy: {why}"),
        Standing::In(TargetHealth::Initial) => "it is registered, and not judged healthy yet".to_owned(),
        Standing::In(TargetHealth::Healthy | TargetHealth::Draining) => "it is registered".to_owned(),
        Standing::Leaving => "it finishes what it has".to_owned(),
        Standing::Out => "it is not registered".to_owned(),
    }
}

/// The users that it costs to take a target out of service.
#[derive(Debug, Clone)]
pub struct Cost {
    target: String,
    group: String,
    counted: Result<CensusFacts, String>,
}

impl Cost {
    fn before(&self) -> String {
        let target = &self.target;
        match &self.counted {
            Ok(facts) => format!(
                "{target} is taken out of service: {} on it are not known to the other targets, their users are logged out",
                sessions(facts)
            ),
            Err(why) => format!(
                "{target} is taken out of service: its users are logged out. How many could not be counted: {why}"
            ),
        }
    }

    /// For the record. It is judged by nobody: whoever declared it has accepted it.
    pub fn measurement(&self) -> Measurement {
        let target = self.target.as_str();
        let (words, data) = match &self.counted {
            Ok(facts) => (
                format!(
                    "{target} was out of {}: {} on it were not known to the other targets, their users were logged out",
                    self.group,
                    sessions(facts)
                ),
                json!({ "users": unexpired(facts), "unread": facts.untrusted + facts.unreadable }),
            ),
            Err(why) => (
                format!("{target} was out of {}: how many users were logged out was not counted: {why}", self.group),
                json!({ "users": null }),
            ),
        };
        measurement(Verdict::Pass, target, words, data)
    }
}

fn unexpired(facts: &CensusFacts) -> u64 {
    facts.sessions.saturating_sub(facts.expired)
}

/// How many, and how many more there may be.
fn sessions(facts: &CensusFacts) -> String {
    match facts.untrusted + facts.unreadable {
        0 => format!("{} sessions", unexpired(facts)),
        unread => format!("{} sessions, and perhaps {unread} more that could not be read,", unexpired(facts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_logged_out_is_said_and_what_could_not_be_read_is_not_left_out() {
        let facts = |unreadable| CensusFacts { sessions: 12, expired: 2, unreadable, ..CensusFacts::default() };
        let cost = |counted| Cost { target: "production-1".into(), group: "web".into(), counted };
        assert_eq!(
            cost(Ok(facts(0))).before(),
            "production-1 is taken out of service: 10 sessions on it are not known to the other targets, their users are \
             logged out"
        );
        assert!(cost(Ok(facts(3))).before().contains("10 sessions, and perhaps 3 more"));
        assert!(cost(Err("no bridge".into())).before().contains("could not be counted: no bridge"));
        assert_eq!(cost(Ok(facts(3))).measurement().data, json!({ "users": 10, "unread": 3 }));
        let unknown = cost(Err("no bridge".into())).measurement();
        assert!(unknown.verdict.passes() && unknown.summary.contains("was not counted: no bridge"));
    }
}
