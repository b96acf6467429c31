//! How a load went, second by second, in few numbers however long it takes.

use std::time::Duration;

use crate::ports::{ErrorKind, LoadSnapshot};

/// The maximum number of pieces. Beyond it they are put together, two by two.
const MAX_PIECES: usize = 1_024;

/// A piece of time: answers as expected a second, and the 95th percentile in milliseconds when there were answers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    throughput: f64,
    p95_ms: Option<f64>,
}

/// The course of a load, less its beginning and its end.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// What is sooner does not count: users are still arriving.
    begins: Duration,
    /// What is later does not count: users leave.
    ends: Duration,
    pieces: Vec<Piece>,
    /// A piece is so many snapshots long, as a power of two.
    doubled: u32,
    /// Snapshots of the piece that is not whole yet.
    begun: Vec<Piece>,
    last: LoadSnapshot,
    first: Option<LoadSnapshot>,
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
impl Course {
    /// The course between two moments of the load.
    pub fn between(begins: Duration, ends: Duration) -> Self {
        Self { begins, ends, ..Self::default() }
    }

    /// Takes the next snapshot.
    pub fn take(&mut self, snapshot: LoadSnapshot) {
        let before = std::mem::replace(&mut self.last, snapshot);
        let time = snapshot.elapsed.saturating_sub(before.elapsed).as_secs_f64();
        // A moment's grace: a snapshot is never taken exactly on time.
        if before.elapsed < self.begins || snapshot.elapsed > self.ends + Duration::from_millis(500) || time <= 0.0 {
            return;
        }
        self.first.get_or_insert(before);
        let good = |snapshot: &LoadSnapshot| snapshot.requests.saturating_sub(snapshot.failed);
        let throughput = good(&snapshot).saturating_sub(good(&before)) as f64 / time;
        let p95_ms = snapshot.recent_p95.map(|p95| p95.as_secs_f64() * 1_000.0);
        self.begun.push(Piece { throughput, p95_ms });
        if self.begun.len() >= 1 << self.doubled {
            self.pieces.push(together(&self.begun));
            self.begun.clear();
        }
        if self.pieces.len() >= MAX_PIECES {
            self.pieces = self.pieces.chunks(2).map(together).collect();
            self.doubled += 1;
        }
    }

    /// All requests so far, and how many of them failed.
    pub fn requests(&self) -> (u64, u64) {
        (self.last.failed, self.last.requests)
    }

    /// How most of those failed.
    pub fn mostly(&self) -> Option<ErrorKind> {
        self.last.mostly
    }

    /// Requests that were answered as expected since the time that counts began.
    pub fn answered_since_it_counts(&self) -> u64 {
        let good = |snapshot: &LoadSnapshot| snapshot.requests.saturating_sub(snapshot.failed);
        self.first.map_or(0, |first| good(&self.last).saturating_sub(good(&first)))
    }

    /// Throughput and 95th percentile in so many windows at most, each as long as the others.
    pub fn windows(&self, most: usize) -> (Vec<f64>, Vec<f64>) {
        let size = self.pieces.len().div_ceil(most.max(1)).max(1);
        let windows: Vec<Piece> = self.pieces.chunks_exact(size).map(together).collect();
        // What was not answered at all has no percentile.
        let answered = windows.iter().filter_map(|window| Some((window.throughput, window.p95_ms?)));
        answered.unzip()
    }
}

/// Several pieces as one: the mean throughput, the middle one of the percentiles.
#[allow(clippy::cast_precision_loss, reason = "a few pieces")]
fn together(pieces: &[Piece]) -> Piece {
    let mut percentiles: Vec<f64> = pieces.iter().filter_map(|piece| piece.p95_ms).collect();
    percentiles.sort_unstable_by(f64::total_cmp);
    let throughput = pieces.iter().map(|piece| piece.throughput).sum::<f64>() / pieces.len().max(1) as f64;
    Piece { throughput, p95_ms: percentiles.get(percentiles.len() / 2).copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(second: u64, requests: u64) -> LoadSnapshot {
        LoadSnapshot {
            elapsed: Duration::from_secs(second),
            requests,
            recent_p95: Some(Duration::from_millis(40)),
            ..LoadSnapshot::default()
        }
    }

    #[test]
    fn arriving_and_leaving_users_do_not_count() {
        let mut course = Course::between(Duration::from_secs(10), Duration::from_secs(30));
        (1..=40).for_each(|second| course.take(snapshot(second, if second > 10 { 100 * second } else { second })));
        let (throughput, p95) = course.windows(100);
        assert_eq!((throughput.len(), p95.len()), (20, 20));
        assert!(throughput[1..].iter().all(|rate| (rate - 100.0).abs() < 1e-6), "{throughput:?}");
        assert_eq!(course.requests(), (0, 4_000));
        assert_eq!(course.windows(7).0.len(), 6);
    }

    #[test]
    fn a_day_is_no_more_numbers_than_an_hour() {
        let mut course = Course::between(Duration::ZERO, Duration::from_secs(90_000));
        (1..=86_400).for_each(|second| course.take(snapshot(second, 200 * second)));
        assert!(course.pieces.len() <= MAX_PIECES && course.begun.len() < 1_024);
        let (throughput, _) = course.windows(20);
        assert!(throughput.len() >= 18 && throughput.iter().all(|rate| (rate - 200.0).abs() < 1e-6));
        assert_eq!(course.answered_since_it_counts(), 86_400 * 200);
    }
}
