//! How a load is doing, as news for whoever waits.

use std::collections::BTreeMap;
use std::time::Duration;

use super::LoadSnapshot;
use crate::ports::{MonitorSample, Progress, Reading};

/// A curve is drawn from so many values at most.
const MOST_VALUES: usize = 64;

/// Puts together what the load and the watching say.
#[derive(Debug, Clone, Default)]
pub struct LoadNews {
    /// What is under load, and by whom: `50 users on the copy`.
    pub message: String,
    /// For how long the load lasts.
    pub lasts: Duration,
    memory: BTreeMap<u32, Trace>,
}

/// A figure over the whole time, ever more coarsely.
#[derive(Debug, Clone, Default)]
struct Trace {
    values: Vec<f64>,
    /// Every so many values one is kept, as a power of two.
    thinned: u32,
    seen: u64,
    last: u64,
}

impl Trace {
    fn add(&mut self, value: u64) {
        self.last = value;
        if self.seen.is_multiple_of(1 << self.thinned) {
            #[expect(clippy::cast_precision_loss, reason = "bytes of memory, far below 2^53")]
            self.values.push(value as f64);
        }
        self.seen += 1;
        if self.values.len() > MOST_VALUES {
            let mut at = 0_usize;
            self.values.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.thinned += 1;
        }
    }
}

impl LoadNews {
    /// News about a load of this length.
    pub fn new(message: impl Into<String>, lasts: Duration) -> Self {
        Self { message: message.into(), lasts, memory: BTreeMap::new() }
    }

    /// Takes note of the workers' memory. Workers that have gone are forgotten.
    pub fn watched(&mut self, sample: &MonitorSample) {
        self.memory.retain(|pid, _| sample.workers.iter().any(|worker| worker.pid == *pid));
        for worker in &sample.workers {
            self.memory.entry(worker.pid).or_default().add(worker.rss_bytes);
        }
    }

    /// The news: requests a second, percentiles, errors, and the memory of each worker by its process id.
    pub fn progress(&self, snapshot: &LoadSnapshot) -> Progress {
        let mut readings = vec![Reading::new(format!("{}/s", snapshot.recent))];
        for (name, latency) in [("p50", snapshot.recent_p50), ("p99", snapshot.recent_p99)] {
            readings.extend(latency.map(|latency| Reading::new(format!("{name} {}", milliseconds(latency)))));
        }
        readings.push(Reading::new(match snapshot.failed {
            0 => "no errors".to_owned(),
            failed => format!("{failed} failed"),
        }));
        readings.extend(self.memory.iter().map(|(pid, trace)| Reading {
            words: format!("{pid} {} MiB", trace.last >> 20),
            history: trace.values.clone(),
        }));
        Progress::estimated(self.message.clone(), snapshot.elapsed, self.lasts).with(readings)
    }
}

/// `0.8 ms`, `42 ms`, `1250 ms`.
fn milliseconds(latency: Duration) -> String {
    let value = latency.as_secs_f64() * 1_000.0;
    if value < 10.0 { format!("{value:.1} ms") } else { format!("{value:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_keeps_its_whole_time_in_few_values() {
        let mut trace = Trace::default();
        (0..10_000).for_each(|value| trace.add(value));
        assert!(trace.values.len() <= MOST_VALUES && trace.values.len() > MOST_VALUES / 4);
        assert!(trace.values[0] == 0.0 && trace.values.iter().any(|value| *value > 9_000.0));
        let steps: Vec<f64> = trace.values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| (*step - steps[0]).abs() < 0.5), "{steps:?}");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let snapshot = LoadSnapshot { recent: 0, ..LoadSnapshot::default() };
        let news = LoadNews::new("50 users on the copy", Duration::from_secs(60)).progress(&snapshot);
        let words: Vec<String> = news.readings.into_iter().map(|reading| reading.words).collect();
        assert_eq!(words, ["0/s", "no errors"]);
        let late = Duration::from_millis(1_250);
        let snapshot =
            LoadSnapshot { requests: 900, failed: 3, recent: 88, recent_p99: Some(late), ..LoadSnapshot::default() };
        let news = LoadNews::new("50 users on the copy", Duration::from_secs(60)).progress(&snapshot);
        let words: Vec<String> = news.readings.into_iter().map(|reading| reading.words).collect();
        assert_eq!(words, ["88/s", "p99 1250 ms", "3 failed"]);
    }
}
