//! A few users of ours on the soaked target and on another one, in turns.

use std::time::Duration;

use super::service::Registered;
use crate::core::Failure;
use crate::core::rollout::{ProductionTarget, Rollout};
use crate::evidence::{Side, turns};
use crate::ports::{LiveTree, LoadPlan, LoadResult, LoadTarget, Silent};
use crate::steps::ReadContext;
use crate::steps::site::{copy_access, release_layout};
use crate::steps::watch::turns::without_thinking;

/// How long an answer is waited for. Longer than an ssh connection takes to be found dead: a request that was lost in one must
/// not be followed by another request into the same.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The number of turns that each of the two has in a window.
const TURNS_PER_WINDOW: u32 = 2;
/// The maximum number of other targets that are checked for changes.
const MAX_TARGETS_ASKED: usize = 3;

/// What our users met with.
#[derive(Debug)]
pub struct Probed {
    /// On the soaked target.
    pub target: LoadResult,
    /// On the other one, and which one it is.
    pub control: Option<(String, LoadResult)>,
    /// Why there is no other one.
    pub alone: Option<String>,
}

impl Probed {
    /// What the other target is called.
    pub fn control_name(&self) -> &str {
        self.control.as_ref().map_or("another target", |(name, _)| name)
    }
}

/// The target to compare with: one in service that has not been switched; when all have been, one that has been soaked.
/// The order of rollout.yaml is the order of the switches, so the last one is the first to ask.
///
/// # Errors
/// In words, why there is none.
pub async fn control<'a>(
    context: &'a ReadContext<'_>,
    target: &ProductionTarget,
    registered: &Registered,
) -> Result<&'a ProductionTarget, String> {
    let rollout = context.rollout();
    let others = rollout.production.targets.iter().rev().filter(|other| other.name != target.name);
    let (mut switched, mut why) = (None, "there is no other target".to_owned());
    for other in others.take(MAX_TARGETS_ASKED) {
        if !registered.is_in_service(&other.name) {
            why = format!("{} is not in service", other.name);
            continue;
        }
        let site = release_layout::site(rollout).map_err(|failure| failure.message)?;
        match context.ports.targets.reader(&other.host).releases(&site).await {
            Ok(facts) if facts.live == LiveTree::Original => return Ok(other),
            Ok(facts) if matches!(facts.live, LiveTree::Release(_)) => {
                switched.get_or_insert(other);
            }
            Ok(_) => why = format!("{} runs something that is not ours", other.name),
            Err(failure) => why = format!("{} cannot be looked at: {}", other.name, failure.message),
        }
    }
    switched.ok_or(why)
}

/// Has our users walk for so long.
///
/// # Errors
/// When the soaked target cannot be asked. One to compare with that cannot be is done without.
pub async fn probe(
    context: &ReadContext<'_>,
    target: &ProductionTarget,
    control: Result<&ProductionTarget, String>,
    length: Duration,
    seed: u64,
) -> Result<Probed, Failure> {
    let rollout = context.rollout();
    let (control, alone) = match control {
        Ok(control) => (Some(control), None),
        Err(why) => (None, Some(why)),
    };
    let mut probed = Probed { target: LoadResult::default(), control: None, alone };
    if rollout.journeys.is_empty() {
        probed.alone = Some("rollout.yaml declares no `journeys`".to_owned());
        context.ports.clock.sleep(length).await;
        return Ok(probed);
    }
    let Some(control) = control else {
        probed.target =
            walk(context, &copy_access::production(rollout, target), 1, length, seed, rate(rollout, length, length))
                .await?;
        return Ok(probed);
    };
    let turn = length / (2 * TURNS_PER_WINDOW);
    let rate = rate(rollout, length, turn * TURNS_PER_WINDOW);
    let mut other = Some(LoadResult::default());
    for (position, side) in turns(TURNS_PER_WINDOW, seed).into_iter().enumerate() {
        // The same moments for both of a round.
        let seed = seed.wrapping_mul(1_000).wrapping_add(position as u64 / 2);
        match (side, &mut other) {
            (Side::Second, _) => {
                let seen = walk(context, &copy_access::production(rollout, target), 1, turn, seed, rate).await?;
                probed.target.merge(&seen);
            }
            (Side::First, Some(so_far)) => {
                let first_user = rollout.soak.probe.users.saturating_add(1);
                match walk(context, &copy_access::production(rollout, control), first_user, turn, seed, rate).await {
                    Ok(seen) => so_far.merge(&seen),
                    Err(failure) => {
                        probed.alone = Some(format!("{} cannot be asked: {}", control.name, failure.message));
                        other = None;
                        context.ports.clock.sleep(turn).await;
                    }
                }
            }
            (Side::First, None) => context.ports.clock.sleep(turn).await,
        }
    }
    probed.control = other.map(|result| (control.name.to_string(), result));
    Ok(probed)
}

/// Journeys a second while they walk, so that as many begin in the whole window as rollout.yaml wants.
fn rate(rollout: &Rollout, window: Duration, walking: Duration) -> f64 {
    let wanted = f64::from(rollout.soak.probe.journeys_per_minute) / 60.0 * window.as_secs_f64();
    wanted / walking.as_secs_f64().max(0.001)
}

async fn walk(
    context: &ReadContext<'_>,
    target: &LoadTarget,
    first_user: u32,
    length: Duration,
    seed: u64,
    rate: f64,
) -> Result<LoadResult, Failure> {
    let rollout = context.rollout();
    let plan = LoadPlan {
        first_user,
        seed,
        timeout: REQUEST_TIMEOUT,
        // The network may go between a connection and its request. Such a connection holds a synchronous worker until
        // Gunicorn's timeout, and users of that instance wait for one of the others.
        requests_at_once: Some(1),
        ..LoadPlan::open(rollout.soak.probe.users, rate, length)
    };
    context.ports.load.run(target, &without_thinking(rollout), &plan, &Silent).await
}
