//! Simulated users of simulated applications: latencies and failures as scripted, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::sessions::SimulatedSessions;
use crate::core::rollout::{IDENTITY, Journey};
use crate::ports::{ErrorKind, LoadPlan, LoadResult, RequestResult, Schedule};

/// The maximum number of journeys in one load: no scenario needs more.
const MAX_JOURNEYS: u64 = 200_000;

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

    /// What a load measures on the application of this key, of which so many workers run.
    pub(in crate::sim) fn under(
        mut self,
        key: &str,
        running: Option<usize>,
        journeys: &[Journey],
        plan: &LoadPlan,
    ) -> LoadResult {
        // Apart for each target and its users, the same for the same seed.
        let seed = plan.seed ^ (u64::from(plan.first_user) << 32);
        let place = key.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let mut random = fastrand::Rng::with_seed(place);
        self.median = self.median.mul_f64((self.weather * normal(&mut random)).exp());
        let mut result = LoadResult { elapsed: plan.duration, ..LoadResult::default() };
        self.grown_to(running);
        let mut weighted: Vec<&Journey> = Vec::new();
        for journey in journeys {
            weighted.extend(std::iter::repeat_n(journey, journey.weight.max(1) as usize));
        }
        for turn in 0..journeys_within(&self, journeys, plan) {
            let user = plan.first_user + u32::try_from(turn % u64::from(plan.users.max(1))).unwrap_or(0);
            let Some(journey) = random.choice(&weighted) else { break };
            walk(journey, user, &self, &mut random, &mut result);
        }
        result.connections = u64::from(plan.users);
        if plan.answered_by.is_some() {
            result.answered = self.answers_by_worker(result.errors().of, running);
        }
        result
    }
}

/// Nearly normal: the sum of twelve evenly spread numbers, less six.
fn normal(random: &mut fastrand::Rng) -> f64 {
    (0..12).map(|_| random.f64()).sum::<f64>() - 6.0
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
    (wanted.round() as u64).min(MAX_JOURNEYS)
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
