//! Sizes and spans in words.

use std::time::Duration;

use statistics::Interval;

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// Bytes as a person says them: `900 MiB`, `3.1 MiB`, `-12 KiB`.
pub(super) fn signed_bytes(bytes: f64) -> String {
    let unit = unit(bytes);
    format!("{} {}", in_unit(bytes, unit), UNITS[unit])
}

/// A rate with its bounds, all in one unit: `3.1 MiB/h (2.9 to 3.3)`.
pub(super) fn bytes_per_hour(rate: Interval) -> String {
    let unit = unit(rate.estimate.abs().max(rate.low.abs()).max(rate.high.abs()));
    let [estimate, low, high] = [rate.estimate, rate.low, rate.high].map(|each| in_unit(each, unit));
    format!("{estimate} {}/h ({low} to {high})", UNITS[unit])
}

/// The largest unit of which there is at least one. 1023.7 would be written as 1024 of the smaller unit.
fn unit(bytes: f64) -> usize {
    let (mut size, mut unit) = (bytes.abs(), 0);
    while size >= 1_023.5 && unit + 1 < UNITS.len() {
        size /= 1_024.0;
        unit += 1;
    }
    unit
}

/// One digit behind the point where there are less than a hundred.
fn in_unit(bytes: f64, unit: usize) -> String {
    let size = (0..unit).fold(bytes, |size, _| size / 1_024.0);
    let digits = usize::from(unit > 0 && size.abs() < 99.95);
    let text = format!("{size:.digits$}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The same of a count.
pub(super) fn bytes(bytes: u64) -> String {
    signed_bytes(bytes as f64)
}

/// A span: `42 s`, `12 min`, `290 h`, `41 days`.
pub(super) fn span(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        // So that a week stays 168 h.
        seconds @ 7_200..=1_799_999 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_short() {
        let sizes = [0.0, 1_000.0, 1_024.0, 3.12 * 1_048_576.0, -12_288.0, 900.0 * 1_048_576.0, 1_048_575.0, -0.3];
        let words = ["0 B", "1000 B", "1 KiB", "3.1 MiB", "-12 KiB", "900 MiB", "1 MiB", "0 B"];
        assert_eq!(sizes.map(signed_bytes), words);
        let rate = |low, estimate, high| bytes_per_hour(Interval { low, estimate, high });
        assert_eq!(rate(2.9 * 1_048_576.0, 3.1 * 1_048_576.0, 3.3 * 1_048_576.0), "3.1 MiB/h (2.9 to 3.3)");
        assert_eq!(rate(-2_048.0, -10.0, 3e6), "0 MiB/h (0 to 2.9)");
        let spans = [0, 119, 120, 7_200, 604_800, 1_044_000, 3_600_000].map(Duration::from_secs).map(span);
        assert_eq!(spans, ["0 s", "119 s", "2 min", "2 h", "168 h", "290 h", "41 days"]);
    }
}
