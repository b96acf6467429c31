//! Simulated users of simulated applications: latencies and failures as scripted, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;

use super::{SimulatedSessions, World};
use crate::core::rollout::{IDENTITY, Journey};
use crate::core::{Failure, FailureClass};
use crate::ports::{
    ErrorKind, LoadGenerator, LoadObserver, LoadPlan, LoadResult, LoadSnapshot, LoadTarget, RequestResult, Route,
    Schedule,
};

/// No scenario needs more requests than this in one load.
const MOST: u64 = 200_000;

/// How an application behaves under load.
#[derive(Debug, Clone)]
pub struct SimulatedApplication {
    /// Half of the answers take no longer.
    pub median: Duration,
    /// How far they spread: the standard deviation of their logarithm. 0 is always the median.
    pub spread: f64,
    /// This share of the answers is slower, 0 to 1.
    pub slow_share: f64,
    /// So many times as slow.
    pub slow_times: f64,
    /// Requests that are so many times as slow as the others, by title.
    pub slow_requests: BTreeMap<String, f64>,
    /// How far whole loads spread: the standard deviation of the logarithm of what all their answers have in common. 0
    /// is a machine that does nothing else.
    pub weather: f64,
    /// This share of the requests fails, 0 to 1.
    pub error_share: f64,
    /// How they fail.
    pub error: ErrorKind,
    /// This share of the users is once taken for somebody else, 0 to 1.
    pub mixed_up_share: f64,
    /// Whether every user is taken for the same person.
    pub is_one_for_all: bool,
    /// How much less time answers take with each further worker, beyond the first: 0.3 is a third less.
    pub gains_by_worker: Vec<f64>,
    /// Every further load is so many times as slow as the one before: 1 is no leak.
    pub ages: f64,
    /// What it does with sessions, as a browser sees it.
    pub sessions: SimulatedSessions,
}

impl Default for SimulatedApplication {
    fn default() -> Self {
        Self {
            median: Duration::from_millis(40),
            spread: 0.3,
            slow_share: 0.0,
            slow_times: 5.0,
            slow_requests: BTreeMap::new(),
            weather: 0.0,
            error_share: 0.0,
            error: ErrorKind::Status,
            mixed_up_share: 0.0,
            is_one_for_all: false,
            gains_by_worker: Vec::new(),
            ages: 1.0,
            sessions: SimulatedSessions::default(),
        }
    }
}

impl SimulatedApplication {
    fn latency(&self, title: &str, random: &mut fastrand::Rng) -> Duration {
        let slow = if random.f64() < self.slow_share { self.slow_times } else { 1.0 };
        let own = self.slow_requests.get(title).copied().unwrap_or(1.0);
        self.median.mul_f64((slow * own * (self.spread * normal(random)).exp()).min(1e6))
    }
}

impl SimulatedApplication {
    /// As fast as so many workers make it.
    fn grown_to(&mut self, running: Option<usize>) {
        let more = self.sessions.answering(running).saturating_sub(1) as usize;
        let gains = self.gains_by_worker.iter().take(more);
        self.median = gains.fold(self.median, |median, gain| median.mul_f64((1.0 - gain).max(0.01)));
    }

    /// So many answers, evenly from all workers that answer.
    fn answers_by_worker(&self, answers: u64, running: Option<usize>) -> BTreeMap<u32, u64> {
        if !self.sessions.names_workers {
            return BTreeMap::new();
        }
        let workers = self.sessions.answering(running);
        let share =
            |worker: u32| answers / u64::from(workers) + u64::from(u64::from(worker) < answers % u64::from(workers));
        (0..workers).map(|worker| (self.sessions.pid(worker), share(worker))).collect()
    }
}

impl super::State {
    /// How many workers run of the Gunicorn of ours that listens there.
    pub(super) fn running_workers(&self, endpoint: &str) -> Option<usize> {
        let mut gunicorns = self.hosts.values().flat_map(|host| host.gunicorns.values());
        Some(gunicorns.find(|facts| facts.listening.iter().any(|address| address == endpoint))?.workers.len())
    }
}

/// Nearly normal: the sum of twelve evenly spread numbers, less six.
fn normal(random: &mut fastrand::Rng) -> f64 {
    (0..12).map(|_| random.f64()).sum::<f64>() - 6.0
}

#[async_trait]
impl LoadGenerator for World {
    /// Asks the application of the target's endpoint (`host:port`) in [`super::State::applications`]; through a host, the
    /// one of that host (`name/host:port`) when it has one of its own.
    async fn run(
        &self,
        target: &LoadTarget,
        journeys: &[Journey],
        plan: &LoadPlan,
        observer: &dyn LoadObserver,
    ) -> Result<LoadResult, Failure> {
        let endpoint = self.lock().application_at(target);
        let now = self.time().now();
        let through = match &target.route {
            Route::Through(host) => host.as_str(),
            Route::Direct => "",
        };
        let (mut application, running, known) = self
            .look("load.run", Duration::ZERO, |state| {
                let running = state.running_workers(&endpoint);
                if let Route::Through(host) = &target.route {
                    let away = state.hosts.get(host.as_str()).and_then(|host| host.unreachable.clone());
                    away.map_or(Ok(()), Err)?;
                }
                let own = format!("{through} {endpoint}");
                let known = if state.applications.contains_key(&own) { own } else { endpoint.clone() };
                let application = state.applications.get_mut(&known);
                let nobody =
                    || Failure::new(FailureClass::Transient, format!("no process listens on {endpoint} (simulated)"));
                let application = application.ok_or_else(nobody)?;
                let young = application.clone();
                application.median = application.median.mul_f64(application.ages);
                Ok((state.slowed_by_store_loss(young, now), running, known))
            })
            .await?;
        if journeys.iter().all(|journey| journey.requests.is_empty()) {
            return Err(Failure::permanent("there are no user journeys").hint("add `journeys:` to rollout.yaml"));
        }
        // Apart for each target and its users, the same for the same seed.
        let seed = plan.seed ^ (u64::from(plan.first_user) << 32);
        let place = known.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let mut random = fastrand::Rng::with_seed(place);
        application.median = application.median.mul_f64((application.weather * normal(&mut random)).exp());
        let mut result = LoadResult { elapsed: plan.duration, ..LoadResult::default() };
        application.grown_to(running);
        let mut weighted: Vec<&Journey> = Vec::new();
        for journey in journeys {
            weighted.extend(std::iter::repeat_n(journey, journey.weight.max(1) as usize));
        }
        for turn in 0..journeys_within(&application, journeys, plan) {
            let user = plan.first_user + u32::try_from(turn % u64::from(plan.users.max(1))).unwrap_or(0);
            let Some(journey) = random.choice(&weighted) else { break };
            walk(journey, user, &application, &mut random, &mut result);
        }
        result.connections = u64::from(plan.users);
        if plan.answered_by.is_some() {
            result.answered = application.answers_by_worker(result.errors().of, running);
        }
        tell(&result, plan, observer, self).await;
        Ok(result)
    }
}

/// How many journeys fit into the time.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "far below 2^53, and never negative"
)]
fn journeys_within(application: &SimulatedApplication, journeys: &[Journey], plan: &LoadPlan) -> u64 {
    let wanted = match plan.schedule {
        Schedule::Open { journeys_per_second } => journeys_per_second * plan.duration.as_secs_f64(),
        Schedule::Closed => {
            let takes = |journey: &Journey| -> f64 {
                let think = |think: crate::core::rollout::HumanDuration| think.get().as_secs_f64();
                let request = |own: Option<_>| application.median.as_secs_f64() + own.map_or(0.0, think);
                journey.requests.iter().map(|one| request(one.think)).sum()
            };
            let mean = journeys.iter().map(takes).sum::<f64>() / journeys.len().max(1) as f64;
            f64::from(plan.users) * plan.duration.as_secs_f64() / mean.max(1e-3)
        }
    };
    (wanted.round() as u64).min(MOST)
}

fn walk(
    journey: &Journey,
    user: u32,
    application: &SimulatedApplication,
    random: &mut fastrand::Rng,
    result: &mut LoadResult,
) {
    for request in &journey.requests {
        let latency = application.latency(&request.title(), random);
        let entry: &mut RequestResult =
            result.requests.entry(format!("{}/{}", journey.name, request.title())).or_default();
        if random.f64() < application.error_share {
            entry.failed.record(latency);
            entry.errors.entry(application.error).or_default().add(|| "as scripted (simulated)".to_owned());
            result.journeys_failed += 1;
            return;
        }
        entry.latency.record(latency);
        *entry.statuses.entry(request.expect.status.unwrap_or(200)).or_default() += 1;
        if request.extract.contains_key(IDENTITY) {
            let names: &mut BTreeSet<String> = result.identities.entry(user).or_default();
            names.insert(format!("user-{user}"));
            if random.f64() < application.mixed_up_share {
                names.insert("another user".to_owned());
            }
            if application.is_one_for_all {
                *names = BTreeSet::from(["everybody".to_owned()]);
            }
        }
    }
    result.journeys_completed += 1;
}

/// The time passes, with news on the way: once a second, or sixty times in all when it lasts longer than a minute.
async fn tell(result: &LoadResult, plan: &LoadPlan, observer: &dyn LoadObserver, world: &World) {
    use crate::ports::Clock;
    let errors = result.errors();
    let total = result.total();
    let (mostly, total) = (total.errors.keys().next().copied(), total.latency);
    let news = u32::try_from(plan.duration.as_secs()).unwrap_or(60).clamp(1, 60);
    for part in 1..=news {
        world.sleep(plan.duration / news).await;
        let so_far = |count: u64| count * u64::from(part) / u64::from(news);
        observer.snapshot(LoadSnapshot {
            elapsed: plan.duration * part / news,
            requests: so_far(errors.of),
            failed: so_far(errors.hits),
            mostly,
            recent: errors.of / plan.duration.as_secs().max(1),
            recent_p50: total.percentile(50.0),
            recent_p95: total.percentile(95.0),
            recent_p99: total.percentile(99.0),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Verdict;
    use crate::evidence::{Limits, Noise, compare};
    use crate::ports::{Endpoint, Silent};

    fn world() -> World {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/rollout.yaml")).unwrap();
        World::from_rollout(&serde_yaml::from_str(&text).unwrap())
    }

    fn journeys() -> Vec<Journey> {
        serde_yaml::from_str(
            "[{name: a, requests: [{get: /w, extract: {identity: {json: /u}}, think: 1s}, {get: /x}]}]",
        )
        .unwrap()
    }

    async fn run(world: &World, port: u16) -> LoadResult {
        let target = LoadTarget::direct("t", Endpoint { host: "staging".into(), port });
        let plan = LoadPlan::closed(50, Duration::from_secs(120));
        world.run(&target, &journeys(), &plan, &Silent).await.unwrap()
    }

    #[tokio::test]
    async fn a_slower_copy_is_held_and_an_equal_one_passes() {
        let world = world();
        world.edit(|state| {
            let original = SimulatedApplication::default();
            let copy = SimulatedApplication { median: Duration::from_millis(50), ..original.clone() };
            state.applications.insert("staging:8080".into(), original.clone());
            state.applications.insert("staging:8082".into(), original);
            state.applications.insert("staging:8081".into(), copy);
        });
        let (first, again, copy) = (run(&world, 8080).await, run(&world, 8082).await, run(&world, 8081).await);
        let limits = Limits::default();
        let noise = Noise::between(&first.arm().latencies, &again.arm().latencies, limits.confidence);
        assert_eq!(compare(&first.arm(), &copy.arm(), noise, &limits, None).verdict, Verdict::Hold);
        assert_eq!(compare(&first.arm(), &again.arm(), noise, &limits, None).verdict, Verdict::Pass);
        assert_eq!(first.mixed_up().count(), 0);
    }

    #[tokio::test]
    async fn errors_and_mix_ups_are_as_scripted() {
        let world = world();
        let application = SimulatedApplication { error_share: 0.2, mixed_up_share: 0.5, ..Default::default() };
        world.edit(|state| state.applications.insert("staging:8081".into(), application));
        let result = run(&world, 8081).await;
        assert!((result.errors().share().unwrap() - 0.2).abs() < 0.03);
        assert!(result.mixed_up().count() > 40);
        assert_eq!(run(&world, 8081).await, result);
    }

    #[tokio::test]
    async fn nobody_is_no_load() {
        let target = LoadTarget::direct("t", Endpoint { host: "staging".into(), port: 1 });
        let plan = LoadPlan::closed(1, Duration::from_secs(1));
        let failure = world().run(&target, &journeys(), &plan, &Silent).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Transient);
    }
}
