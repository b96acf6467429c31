//! The soaked target beside another one: the statistics of phase 2, window by window.
//!
//! Each window is judged by itself, and together with those of the last hour as the turns of one comparison
//! (`evidence::over_rounds`): what a machine does meanwhile slows all requests of a window, and an interval over windows
//! knows that. There is no comparison of the other target with itself: the scatter of the windows says how far they
//! differ, and whether the other machine is slower by nature is a question of `soak.slower`. The judgement of one window
//! is repeated a thousand times a day, so it has to be surer than one that is made once: 5 % for the whole soak.

use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::probe::Probed;
use crate::core::rollout::Rollout;
use crate::core::{Judgement, Subject, Verdict};
use crate::evidence::{Proportion, difference, over_rounds, ratio};
use crate::ports::LoadResult;
use crate::steps::watch::comparison::{aligned_sides, example};

/// The maximum number of blocks that are kept.
const MAX_BLOCKS: usize = 12;
/// The maximum number of windows in a block.
const MAX_WINDOWS_PER_BLOCK: u64 = 5;
/// How sure a judgement has to be that only keeps a window from counting.
const SURE: f64 = 0.95;
/// How sure one has to be that takes a release back, over many windows.
const VERY_SURE: f64 = 0.999;

/// Some windows: how many, how many of them have a ratio, its mean in thousandths, and counts: failures and requests on
/// the target, failures and requests on the other one.
type Block = (u64, u64, u64, [u64; 4]);

/// What was measured in the windows so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// The last ones.
    last: Vec<Block>,
    /// Failures and requests on the target since the soak began.
    all: [u64; 2],
}

impl Blocks {
    /// One more window of a soak of so many: how many times as slow the target was, and the counts.
    pub fn add(&mut self, windows: u64, ratio: Option<f64>, counts: [u64; 4]) {
        let size = (windows / (2 * MAX_BLOCKS as u64)).clamp(1, MAX_WINDOWS_PER_BLOCK);
        if self.last.last().is_none_or(|(windows, ..)| *windows >= size) {
            self.last.push((0, 0, 1_000, [0; 4]));
            if self.last.len() > MAX_BLOCKS {
                self.last.remove(0);
            }
        }
        if let Some((windows, rated, mean, sums)) = self.last.last_mut() {
            *windows += 1;
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            if let Some(ratio) = ratio.filter(|ratio| ratio.is_finite() && *ratio > 0.0) {
                *mean = thousandths(mean_ratio(*mean, *rated, ratio));
                *rated += 1;
            }
        }
        self.all[0] += counts[0];
        self.all[1] += counts[1];
    }

    /// The ratios of the blocks, as far as they have one.
    #[allow(clippy::cast_precision_loss, reason = "thousandths of a ratio")]
    fn ratios(&self) -> Vec<f64> {
        self.last.iter().filter(|(_, rated, ..)| *rated > 0).map(|(_, _, mean, _)| *mean as f64 / 1_000.0).collect()
    }

    /// Failures of the target and of the other one, over the blocks.
    fn errors(&self) -> (Proportion, Proportion) {
        let sum = |at: usize| self.last.iter().map(|(.., counts)| counts[at]).sum();
        (Proportion::new(sum(0), sum(1)), Proportion::new(sum(2), sum(3)))
    }

    fn windows(&self) -> u64 {
        self.last.iter().map(|(windows, ..)| windows).sum()
    }
}

#[allow(clippy::cast_precision_loss, reason = "a handful of windows")]
fn mean_ratio(mean: u64, rated: u64, ratio: f64) -> f64 {
    let before = (mean as f64 / 1_000.0).max(1e-3).ln() * rated as f64;
    ((before + ratio.ln()) / (rated as f64 + 1.0)).exp()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between none and a million")]
fn thousandths(ratio: f64) -> u64 {
    (ratio * 1_000.0).round().clamp(1.0, 1e6) as u64
}

/// Judges the window, and it together with those before it.
pub fn judge(probed: &Probed, kept: &mut Kept, rollout: &Rollout, is_young: bool) -> Vec<Judgement> {
    let settings = &rollout.soak;
    let window_sure = 1.0 - 0.05 / as_number(settings.windows().max(1));
    let target = probed.target.errors();
    let other = probed.control.as_ref().map_or_else(Proportion::default, |(_, result)| result.errors());
    let sides = probed.control.as_ref().map(|(_, control)| aligned_sides(control, &probed.target));
    let by_itself = sides.as_ref().and_then(|(first, second)| ratio(first, second, window_sure));
    kept.blocks.add(
        settings.windows(),
        by_itself.map(|ratio| ratio.estimate),
        [target.hits, target.of, other.hits, other.of],
    );

    let mut reasons = mixed_up(&probed.target);
    let in_words = example(&probed.target).map(|example| format!("; {example}")).unwrap_or_default();
    reasons.extend(errors(target, other, window_sure, rollout, "in this window", &in_words));
    let (target, other) = kept.blocks.errors();
    let span = format!("in the last {} windows", kept.blocks.windows());
    reasons.extend(errors(target, other, VERY_SURE, rollout, &span, &in_words));
    if target.of == 0 {
        reasons.push(Judgement::new(
            Subject::Traffic,
            Verdict::Inconclusive,
            format!("none of our users' requests was made {span}"),
        ));
    }
    reasons.extend(few_errors(&kept.blocks, rollout, is_young));

    let (slower, far_slower) = settings.slower_limits(&rollout.comparison);
    if let Some(interval) = by_itself.filter(|interval| interval.low > far_slower) {
        let words = format!(
            "answers take {:.2} times as long as on {} in this window ({:.2} at least; {far_slower:.2} is the limit)",
            interval.estimate,
            probed.control_name(),
            interval.low
        );
        reasons.push(Judgement::new(Subject::Latency, Verdict::Abort, words));
    }
    if rollout.production.targets.len() > 1 {
        reasons.push(slowness(&kept.blocks, probed, (slower, far_slower), is_young));
    }
    reasons
}

/// Somebody who was somebody else.
fn mixed_up(target: &LoadResult) -> Vec<Judgement> {
    let mixed = target.mixed_up().map(|(user, names)| {
        let names = names.iter().cloned().collect::<Vec<_>>().join(" and ");
        Judgement::new(Subject::Identity, Verdict::Abort, format!("our user {user} was {names}: sessions are mixed up"))
    });
    mixed.take(1).collect()
}

/// Whether too many requests failed. When as many fail on the other target, it is not the release, and going back would
/// not help.
fn errors(
    target: Proportion,
    other: Proportion,
    sure: f64,
    rollout: &Rollout,
    when: &str,
    example: &str,
) -> Option<Judgement> {
    let ceiling = rollout.soak.ceiling(&rollout.comparison);
    let is_beyond = |side: Proportion, confidence: f64| {
        side.interval(confidence).is_some_and(|interval| interval.low > ceiling.share())
    };
    let said =
        format!("{} of {} of our users' requests failed {when}; the ceiling is {ceiling}", target.hits, target.of);
    if is_beyond(target, sure) && is_beyond(other, SURE) {
        let words = format!("{said}; and {} of {} on the other target: it is not the release", other.hits, other.of);
        return Some(Judgement::new(Subject::ErrorRate, Verdict::Hold, words));
    }
    if is_beyond(target, sure) {
        return Some(Judgement::new(Subject::ErrorRate, Verdict::Abort, format!("{said}{example}")));
    }
    if is_beyond(target, SURE) {
        return Some(Judgement::new(Subject::ErrorRate, Verdict::Hold, format!("{said}{example}")));
    }
    let more = difference(other, target, SURE)?;
    let limit = rollout.comparison.more_errors;
    (more.low > limit.share()).then(|| {
        let words = format!(
            "{} of {} of our users' requests failed {when}, and {} of {} on the other target: {limit} more are allowed",
            target.hits, target.of, other.hits, other.of
        );
        Judgement::new(Subject::ErrorDifference, Verdict::Hold, format!("{words}{example}"))
    })
}

/// Whether it is sure that few enough fail, once there was time to find out.
fn few_errors(blocks: &Blocks, rollout: &Rollout, is_young: bool) -> Option<Judgement> {
    let ceiling = rollout.soak.ceiling(&rollout.comparison);
    let all = Proportion::new(blocks.all[0], blocks.all[1]);
    let is_sure = all.interval(SURE).is_some_and(|interval| interval.high <= ceiling.share());
    (!is_sure && !is_young).then(|| {
        let words = format!(
            "{} of {} of our users' requests failed in the whole soak, too few to be sure that it is no more than \
             {ceiling}: more of them (`soak.probe`) would tell",
            all.hits, all.of
        );
        Judgement::new(Subject::ErrorRate, Verdict::Inconclusive, words)
    })
}

/// How many times as slow the target is, over the windows.
fn slowness(blocks: &Blocks, probed: &Probed, (slower, far_slower): (f64, f64), is_young: bool) -> Judgement {
    let ratios = blocks.ratios();
    let Some(interval) = over_rounds(&ratios, SURE) else {
        let why = probed.alone.as_deref().unwrap_or("there were too few answers so far");
        let verdict = if is_young { Verdict::Pass } else { Verdict::Inconclusive };
        return Judgement::new(Subject::Latency, verdict, format!("not compared with another target yet: {why}"));
    };
    let words = format!(
        "answers take {:.3} times as long as on another target ({:.3} to {:.3}, {} blocks of windows); the limit is \
         {slower:.3}",
        interval.estimate,
        interval.low,
        interval.high,
        ratios.len()
    );
    let is_far = over_rounds(&ratios, VERY_SURE).is_some_and(|interval| interval.low > far_slower);
    let verdict = if is_far {
        Verdict::Abort
    } else if interval.low > slower {
        Verdict::Hold
    } else if interval.high <= slower || is_young {
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    };
    Judgement::new(Subject::Latency, verdict, words)
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
fn as_number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_the_mean_of_its_windows_and_old_ones_are_forgotten() {
        let mut blocks = Blocks::default();
        for ratio in [1.0, 2.0, 4.0] {
            blocks.add(1_440, Some(ratio), [0, 10, 1, 10]);
        }
        blocks.add(1_440, None, [1, 10, 0, 10]);
        assert_eq!(blocks.ratios(), [2.0], "the mean of logarithms");
        assert_eq!(blocks.errors(), (Proportion::new(1, 40), Proportion::new(3, 40)));
        (0..500).for_each(|_| blocks.add(1_440, Some(1.0), [0, 10, 0, 10]));
        assert_eq!((blocks.last.len(), blocks.windows(), blocks.all), (MAX_BLOCKS, 59, [1, 5_040]));
        assert!(blocks.ratios().iter().all(|ratio| (ratio - 1.0).abs() < 1e-9));
    }

    #[test]
    fn a_short_soak_has_blocks_of_one_window() {
        let mut blocks = Blocks::default();
        (0..6).for_each(|_| blocks.add(6, Some(1.1), [0, 1, 0, 1]));
        assert_eq!(blocks.ratios().len(), 6);
    }
}
