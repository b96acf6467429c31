//! A piece of news as one line, no longer than there is room.

use unicode_width::UnicodeWidthStr;

use super::words;
use crate::ports::{Progress, Reading};

/// Heights of a curve, lowest first.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How many characters a curve is long.
const LENGTH: usize = 8;
/// A curve shows changes of this part of the figure at its full height, and smaller ones no larger than they are.
const LEAST_RANGE: f64 = 0.1;

/// The news on one line of at most `width` columns: what goes on, cut short when there is no room even for that; then as
/// many readings as fit, each whole or not at all, because half a figure is a wrong one; and how long it still takes.
pub(super) fn sentence(progress: &Progress, width: usize) -> String {
    let mut line = cut(&progress.message, width);
    let remaining = progress.remaining.map(|left| format!(", about {} to go", words::human_duration(left)));
    let readings = progress.readings.iter().map(|reading| format!(" · {}", shown(reading)));
    for more in readings.chain(remaining) {
        if line.width() + more.width() > width {
            break;
        }
        line.push_str(&more);
    }
    line
}

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short: String = text.to_owned();
    while !short.is_empty() && short.width() + 1 > width {
        short.pop();
    }
    if width > 0 {
        short.push('…');
    }
    short
}

fn shown(reading: &Reading) -> String {
    match curve(&reading.history) {
        Some(curve) => format!("{} {curve}", reading.words),
        None => reading.words.clone(),
    }
}

/// The whole history in a few characters; `None` of less than two values.
fn curve(history: &[f64]) -> Option<String> {
    if history.len() < 2 || history.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let length = history.len().min(LENGTH);
    let pieces = (0..length).map(|at| &history[at * history.len() / length..(at + 1) * history.len() / length]);
    #[expect(clippy::cast_precision_loss, reason = "a handful of values")]
    let means: Vec<f64> = pieces.map(|piece| piece.iter().sum::<f64>() / piece.len() as f64).collect();
    let (least, most) = means.iter().fold((f64::MAX, f64::MIN), |(low, high), mean| (low.min(*mean), high.max(*mean)));
    let range = (most - least).max(LEAST_RANGE * most.abs()).max(f64::MIN_POSITIVE);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
    let height = |mean: &f64| ((mean - least) / range * 7.0).round() as usize;
    Some(means.iter().map(|mean| HEIGHTS.get(height(mean)).copied().unwrap_or('█')).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ports::{HostSample, LoadNews, LoadSnapshot, MonitorSample, ProcessSample};

    fn sample(second: u32) -> MonitorSample {
        let worker = |pid: u32, grows: u32| ProcessSample {
            pid,
            started_ticks: 1,
            rss_bytes: u64::from(200 + grows * second / 60) << 20,
            pss_bytes: None,
            cpu_ms: 0,
            descriptors: None,
        };
        let host = HostSample {
            processors: 2,
            busy_ms: 0,
            idle_ms: 0,
            available_bytes: 0,
            total_bytes: 0,
            swap_used_bytes: 0,
            swapped_out_bytes: 0,
            out_of_memory_kills: None,
            load: 0.0,
            time_wait: 0,
        };
        let workers = vec![worker(4_711, 0), worker(4_712, 30)];
        MonitorSample { at_ms: u64::from(second) * 1_000, master: None, workers, host, log: None }
    }

    fn news() -> Progress {
        let mut news = LoadNews::new("50 users on the copy", Duration::from_secs(600));
        (0..400).for_each(|second| news.watched(&sample(second)));
        news.progress(&LoadSnapshot {
            elapsed: Duration::from_secs(400),
            requests: 79_000,
            failed: 12,
            mostly: None,
            recent: 198,
            recent_p50: Some(Duration::from_millis(42)),
            recent_p95: None,
            recent_p99: Some(Duration::from_millis(180)),
        })
    }

    #[test]
    fn readings_that_do_not_fit_are_left_out_whole() {
        let shown: Vec<String> =
            [200, 120, 80, 60, 45, 20, 12, 0].map(|width| format!("{width}: {}", sentence(&news(), width))).into();
        insta::assert_snapshot!(shown.join("\n"), @r"
        200: 50 users on the copy · 198/s · p50 42 ms · p99 180 ms · 12 failed · 4711 200 MiB ▁▁▁▁▁▁▁▁ · 4712 399 MiB ▁▂▃▄▅▆▇█, about 3 min to go
        120: 50 users on the copy · 198/s · p50 42 ms · p99 180 ms · 12 failed · 4711 200 MiB ▁▁▁▁▁▁▁▁ · 4712 399 MiB ▁▂▃▄▅▆▇█
        80: 50 users on the copy · 198/s · p50 42 ms · p99 180 ms · 12 failed
        60: 50 users on the copy · 198/s · p50 42 ms · p99 180 ms
        45: 50 users on the copy · 198/s · p50 42 ms
        20: 50 users on the copy
        12: 50 users on…
        0:
        ");
        let plain = Progress { readings: Vec::new(), ..news() };
        assert_eq!(sentence(&plain, 80), "50 users on the copy, about 3 min to go");
        for width in 0..200 {
            assert!(sentence(&news(), width).width() <= width, "{width}");
        }
    }

    #[test]
    fn a_curve_shows_growth_and_makes_nothing_of_noise() {
        let growing: Vec<f64> = (0..64).map(|n| 100.0 + f64::from(n)).collect();
        assert_eq!(curve(&growing).as_deref(), Some("▁▂▃▄▅▆▇█"));
        let steady: Vec<f64> = (0..64).map(|n| 1_000.0 + f64::from(n % 2)).collect();
        assert_eq!(curve(&steady).as_deref(), Some("▁▁▁▁▁▁▁▁"));
        assert_eq!(curve(&[0.0, 0.0]).as_deref(), Some("▁▁"));
        assert_eq!(curve(&[1.0, 3.0, 2.0]).as_deref(), Some("▁█▅"));
        assert_eq!((curve(&[1.0]), curve(&[1.0, f64::NAN])), (None, None));
    }
}
