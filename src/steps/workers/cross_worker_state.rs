//! `cross_worker_state`: what one worker writes, every other one reads.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::pairs::{Enough, Tally, Trying};
use super::results::RampResults;
use super::shared_state;
use crate::core::rollout::{Rollout, SharedState};
use crate::core::{ChecklistItem, Contract, Facts, Failure, Measurement, Verdict};
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::staying_users::SignInScript;
use crate::steps::site::{copy_access, copy_gunicorn};
use crate::steps::targets::list;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// The maximum number of reads, as a multiple of the reads that are needed: a pair that shows up by chance has been seen after
/// so many, or it never will be.
const MAX_READ_FACTOR: u64 = 20;

/// Writes in one worker and reads in another.
pub struct CrossWorkerState(Settings);

/// What a `cross_worker_state` step is told. What is written and read is the site's, in rollout.yaml (`shared_state`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How often every ordered pair of workers has to be seen, at least.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 1000))]
    each: u32,
}

fn five() -> u32 {
    5
}

impl Kind for CrossWorkerState {
    type Settings = Settings;
    const NAME: &'static str = "cross_worker_state";
    const SUMMARY: &'static str = "writes in one worker and reads in every other one";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Observe for CrossWorkerState {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let pairs = shared_state::pairs(rollout);
        let titles: Vec<String> = pairs.iter().map(|pair| pair.read.title()).collect();
        let what = if titles.is_empty() { "nothing: no `shared_state`".to_owned() } else { titles.join(", ") };
        Diff::one(
            DiffAction::Read,
            format!("over all ordered pairs of the copy's workers, what one writes and another reads: {what}"),
        )
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let rollout = context.rollout();
        let resource = copy_access::resource(rollout);
        let nothing = |words: String| measurement(Verdict::Inconclusive, resource.clone(), words, json!({}));
        let gunicorn = copy_gunicorn::gunicorn(rollout, 1)?;
        let copy = list::staging(context).detached(&gunicorn.directory, &gunicorn.pid_file, &[]).await?;
        let workers = copy.map_or(0, |copy| copy.workers.len());
        if workers < 2 {
            let words = format!("the copy runs with {workers} workers: between two of them nothing could be lost");
            return Ok(concluded(vec![nothing(words)]));
        }
        let pairs = shared_state::pairs(rollout);
        if pairs.is_empty() {
            let words = "nothing was written in one worker and read in another: rollout.yaml declares no `shared_state`, \
                         and no journey expects what it has written";
            return Ok(concluded(vec![nothing(words.to_owned())]));
        }
        let script = SignInScript::of(&rollout.journeys).ok();
        let signing_in = script.as_ref().map(SignInScript::signing_in).unwrap_or_default();
        let each = u64::from(self.0.each);
        let ordered = (workers * (workers - 1)) as u64;
        let enough = Enough { workers, each, at_most: MAX_READ_FACTOR * each * ordered.max(1) };
        let mut measurements = Vec::new();
        for pair in &pairs {
            context.say(format!("{} is written and read over {ordered} pairs of workers", pair.name));
            let tally = Trying { context, signing_in, pair, enough }.all().await?;
            measurements.push(judge(pair, &tally, enough, context));
        }
        Ok(concluded(measurements))
    }
}

fn concluded(measurements: Vec<Measurement>) -> Observation {
    let hint = "the application keeps something in a worker (a module's variable, a cache, a file that is not shared): with \
                more than one worker it has to be in the session or in the store";
    Observation { facts: Facts::new(), failure: failure_of(&measurements, hint), measurements }
}

fn judge(pair: &SharedState, tally: &Tally, enough: Enough, context: &ReadContext<'_>) -> Measurement {
    let rollout = context.rollout();
    let (another, same) = (tally.split(true), tally.split(false));
    let (right, all) = (another.right + same.right, another.all() + same.all());
    let endpoint = format!("`{}` after `{}` ({})", pair.read.title(), pair.write.title(), pair.name);
    let example = tally.examples.first().map(|example| format!(", for example {example}")).unwrap_or_default();
    let (missing, ordered) = tally.missing(enough.workers, enough.each);
    let seen = tally.workers().len();
    let (verdict, words) = if same.wrong > 0 {
        (
            Verdict::Abort,
            format!(
                "{endpoint} was right {right} of {all} times; wrong {} of {} times even in the worker that wrote it{example}",
                same.wrong,
                same.all()
            ),
        )
    } else if another.wrong > 0 {
        let whenever = if another.right == 0 {
            "wrong whenever another worker answers".to_owned()
        } else {
            format!("wrong {} of {} times when another worker answers", another.wrong, another.all())
        };
        let words =
            format!("{endpoint} was right {right} of {all} times; {whenever}: its state is kept per worker{example}");
        (Verdict::Abort, words)
    } else if missing > 0 || seen > enough.workers {
        let bad = tally.unanswered + tally.refused + tally.unnamed;
        let why = if bad > 0 {
            format!(
                "{} requests without an answer, {} refused, {} answers that name no worker{example}",
                tally.unanswered, tally.refused, tally.unnamed
            )
        } else {
            format!("{seen} of {} workers answered", enough.workers)
        };
        let words = format!("{endpoint}: {missing} of {ordered} ordered pairs of workers were seen too seldom: {why}");
        (Verdict::Inconclusive, words)
    } else {
        let words =
            format!("{endpoint} was right {all} of {all} times, over all {ordered} ordered pairs of {seen} workers");
        (Verdict::Pass, words)
    };
    let (verdict, words) = match lost_under_load(context) {
        Some(under_load) if verdict.passes() => (Verdict::Hold, format!("{words}; but {under_load}")),
        _ => (verdict, words),
    };
    let mut measured = measurement(verdict, copy_access::resource(rollout), words, tally.data());
    if verdict.passes() {
        measured.proves = vec![ChecklistItem::SessionsPersistAcrossWorkers];
    }
    measured
}

/// What the ramp saw wrong of the same reads, and left to this step.
fn lost_under_load(context: &ReadContext<'_>) -> Option<String> {
    let results = RampResults::of(context.facts).ok()?;
    let ceiling = context.rollout().load.error_ceiling;
    results.counts.iter().find_map(|count| {
        let is_much = count.set_aside.interval(0.95)?.low > ceiling.share();
        is_much.then(|| {
            format!(
                "under load with {} workers {} of {} reads of shared state were wrong: it is lost when users come together",
                count.run.workers, count.set_aside.hits, count.set_aside.of
            )
        })
    })
}
