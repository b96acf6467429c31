//! Judging a comparison: from what both sides met with to one measurement.
//!
//! How sure it is. With a spread within one kind of request of 0.3 (of the logarithm, which is usual), n answers on each
//! side give the ratio an interval of 0.85 / sqrt(n) to either side: 1.7 % with 2,500. The noise, which is learnt from
//! as much load, is about as wide again. So 10 % is told from nothing with some 1,500 answers on each side, and 15 % is
//! held with some 2,500. A machine that is busy with other things makes turns differ among themselves; that widens the
//! noise, and the verdict becomes Inconclusive rather than Hold or Pass.

use serde_json::json;

use super::turns::Series;
use crate::core::rollout::{Comparison as Settings, Rollout};
use crate::core::{ChecklistItem, Measurement, Verdict};
use crate::evidence::{
    Arm, Comparison, LatencySummary, Limits, Noise, Sample, aligned, compare, over_rounds, ratio, shift,
};
use crate::ports::LoadResult;
use crate::steps::measure::measurement;
use crate::steps::site::copy_access;

/// The minimum number of answers to one request, on either side, to judge the request by itself.
const MIN_ANSWERS_PER_REQUEST: u64 = 50;

/// Both comparisons: the original with itself, and with the copy.
pub struct Compared {
    /// The original with itself.
    pub itself: Series,
    /// The original with the copy.
    pub copy: Series,
    /// How many journeys began a second.
    pub journeys_per_second: f64,
}

/// Judges.
pub fn judge(compared: &Compared, rollout: &Rollout) -> Measurement {
    let settings = &rollout.comparison;
    let limits = limits(settings);
    let (original, copy) = (compared.copy.first_whole(), compared.copy.second_whole());
    let noise = noise(compared, &limits);
    let sides = aligned_sides(&original, &copy);
    let rounds_walked = u32::try_from(compared.copy.first.len()).unwrap_or(u32::MAX);
    let minutes = settings.round.get().as_secs_f64() * f64::from(rounds_walked) / 60.0;
    let answers = original.total().latency.sample();
    let per_minute = f64::from(u32::try_from(answers.count()).unwrap_or(u32::MAX)) / minutes.max(1e-3);
    let mut comparison = compare(
        &Arm { latencies: sides.0, errors: original.errors() },
        &Arm { latencies: sides.1, errors: copy.errors() },
        noise,
        &limits,
        Some(per_minute),
    );
    // In milliseconds, not in multiples.
    comparison.shift = shift(&answers, &copy.total().latency.sample(), limits.confidence);

    let mixed: Vec<String> = copy
        .mixed_up()
        .map(|(user, names)| format!("user {user} was {}", names.iter().cloned().collect::<Vec<_>>().join(" and ")))
        .collect();
    let slow = far_slower_requests(compared, &limits);
    let mut verdict = comparison.verdict;
    let mut words = vec![comparison.summary()];
    if !slow.is_empty() {
        verdict = verdict.max(Verdict::Hold);
        words.insert(0, slow.join("; "));
    }
    if let Some(first) = mixed.first() {
        verdict = Verdict::Abort;
        words.insert(0, format!("{} users were mixed up on the copy: {first}", mixed.len()));
    }
    if comparison.verdict > Verdict::Inconclusive || copy.errors().hits > 0 {
        words.extend(example(&copy));
    }
    words.push(percentiles(&original, &copy));
    let data = json!({
        "comparison": comparison,
        "limits": limits,
        "journeys_per_second": compared.journeys_per_second,
        "rounds": rounds(&compared.copy, limits.confidence),
        "rounds_of_the_original_with_itself": rounds(&compared.itself, limits.confidence),
        "original": side(&original),
        "copy": side(&copy),
        "mixed_up": mixed.len(),
    });
    let mut result = measurement(verdict, copy_access::resource(rollout), words.join("; "), data);
    result.proves = vec![ChecklistItem::NoPerformanceDegradation];
    result
}

/// The limits of rollout.yaml.
fn limits(settings: &Settings) -> Limits {
    Limits {
        slower: 1.0 + settings.slower.share(),
        far_slower: 1.0 + settings.far_slower.share(),
        error_ceiling: settings.error_ceiling.share(),
        more_errors: settings.more_errors.share(),
        ..Limits::default()
    }
}

/// What the original with itself says about the measurement, and how far turns differ.
fn noise(compared: &Compared, limits: &Limits) -> Option<Noise> {
    let (first, second) = aligned_sides(&compared.itself.first_whole(), &compared.itself.second_whole());
    if first.count().min(second.count()) < limits.minimum_samples {
        return None;
    }
    let itself = over_rounds(&rounds(&compared.itself, limits.confidence), limits.confidence);
    let copy = over_rounds(&rounds(&compared.copy, limits.confidence), limits.confidence);
    Noise::between(&first, &second, limits.confidence).map(|noise| noise.widened(itself, copy))
}

/// Both sides, each request as a multiple of what it usually takes on the first.
pub fn aligned_sides(first: &LoadResult, second: &LoadResult) -> (Sample, Sample) {
    let kinds: Vec<(Sample, Sample)> = by_request(first, second).into_iter().map(|(_, l, r)| (l, r)).collect();
    aligned(kinds.iter().map(|(left, right)| (left, right)))
}

fn by_request(first: &LoadResult, second: &LoadResult) -> Vec<(String, Sample, Sample)> {
    let of = |name: &String| second.requests.get(name).map(|request| request.latency.sample()).unwrap_or_default();
    first.requests.iter().map(|(name, request)| (name.clone(), request.latency.sample(), of(name))).collect()
}

/// How many times as slow the second side was in each round.
fn rounds(series: &Series, confidence: f64) -> Vec<f64> {
    let pairs = series.first.iter().zip(&series.second);
    let ratios = pairs.filter_map(|(first, second)| {
        let (first, second) = aligned_sides(first, second);
        Some(ratio(&first, &second, confidence)?.estimate)
    });
    ratios.collect()
}

/// Requests that are far slower by themselves, however little they weigh among all. With as many judgements as there are
/// requests, each has to be surer.
fn far_slower_requests(compared: &Compared, limits: &Limits) -> Vec<String> {
    let kinds = by_request(&compared.copy.first_whole(), &compared.copy.second_whole());
    let confidence = 1.0 - (1.0 - limits.confidence) / f64::from(u32::try_from(kinds.len().max(1)).unwrap_or(u32::MAX));
    let itself = compared.itself.first_whole();
    let again = compared.itself.second_whole();
    let found = kinds.iter().filter_map(|(name, original, copy)| {
        if original.count().min(copy.count()) < MIN_ANSWERS_PER_REQUEST {
            return None;
        }
        let (one, other) = (itself.requests.get(name)?.latency.sample(), again.requests.get(name)?.latency.sample());
        let noise = Noise::between(&one, &other, confidence)?;
        let interval = ratio(original, copy, confidence)?;
        (interval.low / noise.reach() > limits.far_slower).then(|| {
            format!(
                "`{name}` takes {:.2} times as long on the copy ({:.2} to {:.2}); one request may take {:.2} times",
                interval.estimate, interval.low, interval.high, limits.far_slower
            )
        })
    });
    found.collect()
}

/// The first failure on the copy, in its own words.
pub fn example(copy: &LoadResult) -> Option<String> {
    copy.requests.iter().find_map(|(name, request)| {
        let (kind, tally) = request.errors.iter().next()?;
        Some(format!("for example `{name}`: {kind}: {}", tally.examples.first()?))
    })
}

/// The percentiles of both, for a person.
fn percentiles(original: &LoadResult, copy: &LoadResult) -> String {
    let summary = |side: &LoadResult| side.total().latency.summary();
    let (Some(original), Some(copy)) = (summary(original), summary(copy)) else {
        return "one side answered nothing as expected".to_owned();
    };
    let milliseconds = |duration: std::time::Duration| duration.as_secs_f64() * 1_000.0;
    let pair = |name: &str, of: fn(&LatencySummary) -> std::time::Duration| {
        format!("{name} {:.1} ms, original {:.1} ms", milliseconds(of(&copy)), milliseconds(of(&original)))
    };
    [pair("p50", |s| s.p50), pair("p95", |s| s.p95), pair("p99", |s| s.p99)].join("; ")
}

/// One side, for the record.
fn side(result: &LoadResult) -> serde_json::Value {
    let summary = |latency: &crate::evidence::LatencyHistogram| latency.summary().map(|summary| summary.to_json());
    let errors = result.errors();
    let requests: serde_json::Map<String, serde_json::Value> = result
        .requests
        .iter()
        .map(|(name, request)| {
            let errors: u64 = request.errors.values().map(|tally| tally.count).sum();
            (name.clone(), json!({ "latency": summary(&request.latency), "failed": errors }))
        })
        .collect();
    json!({
        "latency": summary(&result.total().latency),
        "requests": errors.of,
        "failed": errors.hits,
        "journeys_completed": result.journeys_completed,
        "journeys_failed": result.journeys_failed,
        "by_request": requests,
        "own_delay": summary(&result.lag),
    })
}

/// What is said when there is nothing to judge.
pub fn nothing(rollout: &Rollout, words: String) -> Measurement {
    let empty: Option<Comparison> = None;
    measurement(Verdict::Inconclusive, copy_access::resource(rollout), words, json!({ "comparison": empty }))
}
