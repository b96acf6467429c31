//! The load of a comparison: two sides that take turns, in an order that no drift favours.

use std::time::Duration;

use crate::core::Failure;
use crate::core::rollout::{Comparison, HumanDuration, Journey, Rollout};
use crate::evidence::{Limits, Side, turns};
use crate::ports::{LoadPlan, LoadResult, LoadTarget, Progress, Silent};
use crate::steps::ReadContext;
use crate::steps::site::copy_access;

/// How long an answer is waited for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A busy machine may answer too few requests in the rounds of rollout.yaml: they are added again until there are this many
/// times as many.
const MAX_BLOCKS: u32 = 3;

/// What both sides met with, turn by turn.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// The first side's turns.
    pub first: Vec<LoadResult>,
    /// The second side's.
    pub second: Vec<LoadResult>,
}

impl Series {
    /// All turns of the first side as one.
    pub fn first_whole(&self) -> LoadResult {
        whole(&self.first)
    }

    /// All turns of the second side as one.
    pub fn second_whole(&self) -> LoadResult {
        whole(&self.second)
    }

    /// How many answers were measured on the side with fewer.
    fn fewest_answers(&self) -> u64 {
        let answers = |side: LoadResult| side.total().latency.count();
        answers(self.first_whole()).min(answers(self.second_whole()))
    }
}

fn whole(turns: &[LoadResult]) -> LoadResult {
    let mut all = LoadResult::default();
    turns.iter().for_each(|turn| all.merge(turn));
    all
}

/// One side: whom its users visit, and which users they are.
pub struct Arm {
    /// What it is called in news.
    pub name: &'static str,
    /// Where it is.
    pub target: LoadTarget,
    /// The number of its first user.
    pub first_user: u32,
}

/// The load that both sides of a comparison get.
pub struct Course<'a> {
    context: &'a ReadContext<'a>,
    settings: &'a Comparison,
    journeys: Vec<Journey>,
    journeys_per_second: f64,
    /// When it began, and how long all of it takes.
    began: Duration,
}

/// What walking alone found out.
pub enum WarmUp<'a> {
    /// How much load is right.
    Ready(Course<'a>),
    /// Nobody got to the end of a journey on the original: what they met with.
    Nothing(LoadResult),
}

impl<'a> Course<'a> {
    /// Lets one user walk alone, first on the original, then on the copy: what is only slow the first time is over
    /// then, and it is known how much one user gets done.
    pub async fn warm_up(context: &'a ReadContext<'a>) -> Result<WarmUp<'a>, Failure> {
        let rollout = context.rollout();
        let settings = &rollout.comparison;
        let began = context.ports.clock.elapsed();
        let alone = LoadPlan { timeout: REQUEST_TIMEOUT, ..LoadPlan::closed(1, settings.round.get()) };
        let mut course =
            Self { context, settings, journeys: without_thinking(rollout), journeys_per_second: 0.0, began };
        course.news("one user walks alone, to warm both up");
        let original = course.run(&original(rollout), &alone).await?;
        course.run(&copy(rollout), &alone).await?;
        if original.journeys_completed == 0 {
            return Ok(WarmUp::Nothing(original));
        }
        course.journeys_per_second = settings.journeys_per_minute.map_or_else(
            // Half of what one user alone gets done: nobody waits for anybody, however few the workers are.
            || as_number(original.journeys_completed) / original.elapsed.as_secs_f64().max(0.001) / 2.0,
            |a_minute| f64::from(a_minute) / 60.0,
        );
        Ok(WarmUp::Ready(course))
    }

    /// All turns of two sides. When either has too few answers for a judgement, as many rounds again: how many there are does
    /// not depend on what was measured in them.
    pub async fn turns(&self, first: &Arm, second: &Arm, seed: u64) -> Result<Series, Failure> {
        let mut series = Series::default();
        for block in 0..MAX_BLOCKS {
            self.block(&mut series, block, (first, second), seed).await?;
            // Without a single answer, time is not what is missing.
            let answers = series.fewest_answers();
            if answers == 0 || answers >= Limits::default().minimum_samples {
                break;
            }
        }
        Ok(series)
    }

    /// The rounds of rollout.yaml, once.
    async fn block(
        &self,
        series: &mut Series,
        block: u32,
        (first, second): (&Arm, &Arm),
        seed: u64,
    ) -> Result<(), Failure> {
        let before = block * self.settings.rounds;
        for (side, position) in turns(self.settings.rounds, seed.wrapping_add(block.into())).into_iter().zip(0..) {
            let round = before + position / 2;
            let arm = if side == Side::First { first } else { second };
            let plan = LoadPlan {
                first_user: arm.first_user,
                // The same moments for both sides of a round.
                seed: seed.wrapping_mul(1_000) + u64::from(round),
                timeout: REQUEST_TIMEOUT,
                ..LoadPlan::open(self.settings.users, self.journeys_per_second, self.settings.round.get())
            };
            let result = self.run(arm, &plan).await?;
            let (total, errors) = (result.total(), result.errors());
            let median = total.latency.percentile(50.0).map_or("no answer".to_owned(), |p50| format!("p50 {p50:.1?}"));
            self.news(&format!(
                "round {} of {}, {}: {} requests, {median}, {} failed",
                round + 1,
                before + self.settings.rounds,
                arm.name,
                errors.of,
                errors.hits
            ));
            match side {
                Side::First => series.first.push(result),
                Side::Second => series.second.push(result),
            }
        }
        Ok(())
    }

    /// How many journeys begin a second, all users together.
    pub fn journeys_per_second(&self) -> f64 {
        self.journeys_per_second
    }

    async fn run(&self, arm: &Arm, plan: &LoadPlan) -> Result<LoadResult, Failure> {
        let plan = LoadPlan { first_user: arm.first_user, ..plan.clone() };
        self.context.ports.load.run(&arm.target, &self.journeys, &plan, &Silent).await
    }

    fn news(&self, message: &str) {
        // Two sides, twice, and both alone before that.
        let expected = self.settings.round.get() * (4 * self.settings.rounds + 2);
        let elapsed = self.context.ports.clock.elapsed().saturating_sub(self.began);
        self.context.progress.report(Progress::estimated(message, elapsed, expected));
    }
}

/// The original as the first side of both comparisons.
pub fn original(rollout: &Rollout) -> Arm {
    Arm { name: "the original", target: copy_access::original(rollout), first_user: 1 }
}

/// The original once more, with other users.
pub fn original_again(rollout: &Rollout) -> Arm {
    let first_user = rollout.comparison.users.saturating_add(1);
    Arm { name: "the original again", target: copy_access::original(rollout), first_user }
}

/// The copy.
pub fn copy(rollout: &Rollout) -> Arm {
    let first_user = rollout.comparison.users.saturating_mul(2).saturating_add(1);
    Arm { name: "the copy", target: copy_access::copy(rollout), first_user }
}

/// The journeys without time to think: when they begin is the schedule's, and a user who thinks is only busy for it.
pub fn without_thinking(rollout: &Rollout) -> Vec<Journey> {
    let mut journeys = rollout.journeys.clone();
    let requests = journeys.iter_mut().flat_map(|journey| &mut journey.requests);
    requests.for_each(|request| request.think = None::<HumanDuration>);
    journeys
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
fn as_number(count: u64) -> f64 {
    count as f64
}
