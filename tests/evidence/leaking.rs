//! Leaks: one that is there is found, steady workers pass, and too little is not judged.

use std::time::Duration;

use migrate::core::Verdict;
use migrate::evidence::{LeakJudgement, LeakLimits, MemorySample, WorkerLife, judge_leak};
use proptest::prelude::*;

const MIB: f64 = 1_048_576.0;
const REQUESTS: u64 = 20_000;

/// A worker's life: 200 MiB, filling its caches over the first minute, then growing so many MiB an hour, and noisy.
struct Life {
    pid: u32,
    from: u64,
    to: u64,
    grows: f64,
    noise: f64,
}

impl Life {
    fn of(pid: u32, grows: f64) -> Self {
        Self { pid, from: 0, to: 1_800, grows, noise: 0.5 }
    }

    fn samples(&self, seed: u64) -> Vec<MemorySample> {
        let mut random = fastrand::Rng::with_seed(seed ^ u64::from(self.pid));
        let worker = WorkerLife { pid: self.pid, started_ticks: 100 * self.from };
        let mut noise = 0.0;
        let at = |second: u64| {
            let age = (second - self.from) as f64;
            // Allocators give memory back now and then: what one second does, the next remembers.
            noise = 0.8 * noise + (random.f64() - 0.5) * self.noise;
            let size = 200.0 + 30.0 * (age / 60.0).min(1.0) + self.grows * age / 3_600.0 + noise;
            MemorySample { at: Duration::from_secs(second), worker, bytes: (size * MIB) as u64 }
        };
        (self.from..self.to).map(at).collect()
    }
}

fn limits() -> LeakLimits {
    LeakLimits::with_headroom(900 << 20)
}

fn judged(lives: &[Life], seed: u64) -> LeakJudgement {
    let samples: Vec<MemorySample> = lives.iter().flat_map(|life| life.samples(seed)).collect();
    judge_leak(&samples, REQUESTS, &limits())
}

#[test]
fn steady_workers_pass_though_they_warm_up() {
    for seed in 0..20 {
        let found = judged(&[Life::of(11, 0.0), Life::of(12, 0.0)], seed);
        assert_eq!(found.verdict, Verdict::Pass, "seed {seed}: {}", found.summary());
        assert_eq!(found.growth.len(), 2);
        assert_eq!(found.watched, Duration::from_secs(1_679));
    }
}

#[test]
fn a_leak_is_held_and_a_fast_one_is_reason_to_go_back() {
    for seed in 0..20 {
        // 450 MiB a worker: 90 hours, then one hour and a half.
        let found = judged(&[Life::of(11, 5.0), Life::of(12, 0.0)], seed);
        assert_eq!(found.verdict, Verdict::Hold, "seed {seed}: {}", found.summary());
        assert!(found.summary().starts_with("worker 11 grows by "), "{}", found.summary());
        assert_eq!(judged(&[Life::of(11, 300.0), Life::of(12, 300.0)], seed).verdict, Verdict::Abort);
    }
}

#[test]
fn a_growth_that_the_headroom_bears_passes_and_says_how_long() {
    let found = judged(&[Life { noise: 0.01, ..Life::of(11, 1.0) }], 1);
    assert_eq!(found.verdict, Verdict::Pass, "{}", found.summary());
    let words = found.summary();
    assert!(words.contains("grows by 1 MiB/h (1 to 1)") && words.contains("headroom of 900 MiB lasts "), "{words}");
    assert!(words.ends_with(" days at least, and 168 h are needed"), "{words}");
}

#[test]
fn shrinking_is_no_leak() {
    let found = judged(&[Life::of(11, -40.0)], 1);
    assert_eq!(found.verdict, Verdict::Pass);
    assert!(found.summary().starts_with("worker 11 does not grow: -40"), "{}", found.summary());
}

#[test]
fn noise_that_hides_a_leak_is_not_judged() {
    let (mut inconclusive, mut more) = (0, 0);
    for seed in 0..40 {
        // 8 MiB an hour where 5.4 are borne, in noise of 60.
        let found = judged(&[Life { noise: 60.0, ..Life::of(11, 8.0) }], seed);
        if found.verdict == Verdict::Inconclusive {
            inconclusive += 1;
            more += u32::from(found.needed.is_some_and(|more| more > Duration::from_secs(60)));
            assert!(found.summary().contains("may last only"), "{}", found.summary());
        }
    }
    assert!(inconclusive >= 37, "only {inconclusive} of 40");
    assert!(more >= 20, "only {more} of 40 say how much more would do");
}

#[test]
fn too_short_too_few_and_nothing_are_not_judged_and_say_so() {
    let nothing = judge_leak(&[], REQUESTS, &limits());
    assert_eq!((nothing.verdict, nothing.growth.len()), (Verdict::Inconclusive, 0));
    let short = judged(&[Life { to: 500, ..Life::of(11, 0.0) }], 1);
    assert_eq!(short.verdict, Verdict::Inconclusive);
    let words = "worker 11 was watched for 6 min after a warm-up of 2 min; 10 min are needed";
    assert!(short.summary().starts_with(words), "{}", short.summary());
    assert_eq!(short.needed, Some(Duration::from_secs(600 - 379)));
    let samples = Life::of(11, 0.0).samples(1);
    let idle = judge_leak(&samples, 12, &limits());
    assert_eq!((idle.verdict, idle.needed), (Verdict::Inconclusive, None));
    assert_eq!(idle.summary(), "12 requests were answered; 5000 are needed");
    let sparse: Vec<MemorySample> = samples.into_iter().step_by(700).collect();
    let found = judge_leak(&sparse, REQUESTS, &limits());
    assert_eq!(found.verdict, Verdict::Inconclusive, "{}", found.summary());
}

#[test]
fn a_restarted_worker_is_two_series_and_its_restart_is_no_growth() {
    // The second life begins 30 MiB lower and warms up again.
    let lives = [Life { to: 900, ..Life::of(11, 0.0) }, Life { from: 900, to: 1_800, ..Life::of(13, 0.0) }];
    let found = judged(&lives, 1);
    assert_eq!((found.verdict, found.growth.len()), (Verdict::Pass, 2), "{}", found.summary());
    // The same id again is another life all the same.
    let again = [Life { to: 900, ..Life::of(11, 0.0) }, Life { from: 900, to: 1_800, ..Life::of(11, 0.0) }];
    assert_eq!(judged(&again, 1).growth.len(), 2);
}

#[test]
fn a_leak_cannot_hide_behind_restarts() {
    // Six lives of five minutes, each too short by itself.
    let lives = |grows: f64| -> Vec<Life> {
        (0..6).map(|n| Life { from: 300 * n, to: 300 * (n + 1), ..Life::of(20 + n as u32, grows) }).collect()
    };
    let found = judged(&lives(60.0), 1);
    assert_eq!(found.verdict, Verdict::Hold, "{}", found.summary());
    assert!(found.summary().starts_with("6 workers with short lives grow by "), "{}", found.summary());
    // And lives that end before they are warm show nothing.
    let lives: Vec<Life> =
        (0..15).map(|n| Life { from: 100 * n, to: 100 * (n + 1), ..Life::of(20 + n as u32, 60.0) }).collect();
    assert_eq!(judged(&lives, 1).verdict, Verdict::Inconclusive);
}

#[test]
fn a_judgement_is_kept_as_evidence() {
    let found = judged(&[Life::of(11, 5.0)], 1);
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<LeakJudgement>(&text).unwrap().reasons, found.reasons);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(30) })]

    #[test]
    fn adding_a_constant_or_an_hour_changes_no_verdict(
        grows in -20.0_f64..20.0, noise in 0.0_f64..20.0, more in 0_u64..(1 << 30), later in 0_u64..100_000
    ) {
        let samples = Life { noise, ..Life::of(11, grows) }.samples(3);
        let moved: Vec<MemorySample> = samples
            .iter()
            .map(|sample| MemorySample { at: sample.at + Duration::from_secs(later), bytes: sample.bytes + more, ..*sample })
            .collect();
        let (here, there) = (judge_leak(&samples, REQUESTS, &limits()), judge_leak(&moved, REQUESTS, &limits()));
        prop_assert_eq!(here.verdict, there.verdict, "{} and {}", here.summary(), there.summary());
    }

    #[test]
    fn more_headroom_is_never_worse(grows in 0.0_f64..400.0, headroom in 1_u64..(1 << 32), more in 0_u64..(1 << 32)) {
        let samples = Life::of(11, grows).samples(4);
        let rank = |verdict: Verdict| match verdict {
            Verdict::Pass => 0,
            Verdict::Inconclusive => 1,
            Verdict::Hold => 2,
            Verdict::Abort => 3,
        };
        let verdict = |headroom| rank(judge_leak(&samples, REQUESTS, &LeakLimits::with_headroom(headroom)).verdict);
        prop_assert!(verdict(headroom.saturating_add(more)) <= verdict(headroom));
    }

    #[test]
    fn the_order_of_the_samples_is_no_matter(grows in 0.0_f64..20.0, seed in 0_u64..100) {
        let mut samples = Life::of(11, grows).samples(seed);
        samples.extend(Life::of(12, 0.0).samples(seed));
        let before = judge_leak(&samples, REQUESTS, &limits());
        fastrand::Rng::with_seed(seed).shuffle(&mut samples);
        prop_assert_eq!(judge_leak(&samples, REQUESTS, &limits()), before);
    }
}
