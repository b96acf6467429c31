//! Durations and worker counts.

use std::time::Duration;

use super::context::Context;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::core::rollout::{EvidencePolicy, HumanDuration};

const HOUR: Duration = Duration::from_secs(3600);

pub fn check(context: &mut Context<'_>) {
    zero_durations(context);
    for rule in [short_soak, stale_evidence] {
        if let Some(mistake) = rule(context) {
            context.report(mistake);
        }
    }
    worker_counts(context);
}

/// Every duration of the rollout itself, why it cannot be none, and another.
const DURATIONS: [(&str, &str, &str); 11] = [
    ("ssh.connect_timeout", "no connection opens in no time", "10s"),
    ("production.drain.at_most", "no target leaves in no time", "10m"),
    ("cache.latency_p99", "no command takes no time, so no store would be good enough", "250ms"),
    ("comparison.round", "a turn of no time measures nothing", "20s"),
    ("load.duration", "a load of no time measures nothing", "10m"),
    ("leak.minimum_time", "nothing is seen to grow in no time", "10m"),
    ("leak.horizon", "any headroom lasts for no time", "7d"),
    ("soak.duration", "an instance would be followed by the next without being observed", "24h"),
    ("soak.window", "nothing is seen in no time", "1m"),
    ("soak.hold_at_most", "the first look that is not good enough would end the soak", "30m"),
    ("evidence.maximum_age", "every measurement would be too old to open a gate", "7d"),
];

fn zero_durations(context: &mut Context<'_>) {
    for (path, why, example) in DURATIONS {
        if context.read(path).is_some_and(HumanDuration::is_zero) {
            let mistake = context
                .at(Code::RolloutZeroDuration, path, format!("`{path}` is zero"))
                .because(why)
                .help(format!("write a duration such as {example}"));
            context.report(mistake);
        }
    }
}

fn short_soak(context: &Context<'_>) -> Option<Diagnostic> {
    let soak: HumanDuration = context.read("soak.duration")?;
    if soak.is_zero() || soak.get() >= HOUR {
        return None;
    }
    let mistake = context
        .at(Code::RolloutShortSoak, "soak.duration", format!("each instance is observed for only {soak}"))
        .because("leaks and the end of long sessions show after hours")
        .help("write 24h, unless this is a rehearsal")
        .warning();
    Some(mistake)
}

fn stale_evidence(context: &Context<'_>) -> Option<Diagnostic> {
    let soak: HumanDuration = context.read("soak.duration")?;
    let age = match context.root.lacks("evidence") {
        true => EvidencePolicy::default().maximum_age,
        false => context.read("evidence.maximum_age")?,
    };
    // The last instance is changed after the soaks of all before it, and each change asks for fresh measurements.
    let before = u32::try_from(context.count("production.targets").saturating_sub(1)).unwrap_or(u32::MAX).max(1);
    if age.is_zero() || age.get() > soak.get().saturating_mul(before) {
        return None;
    }
    let line = context.line("soak.duration");
    if age.get() > soak.get() {
        let mistake = context
            .at(Code::RolloutStaleEvidence, "evidence.maximum_age", format!("measurements are too old after {age}"))
            .because(format!(
                "the last instance is changed after {before} soaks of {soak} (line {line}), and needs them"
            ))
            .help("write a longer time, or the last instances wait for new measurements")
            .warning();
        return Some(mistake);
    }
    let mistake = context
        .at(Code::RolloutStaleEvidence, "evidence.maximum_age", format!("measurements are too old after {age}"))
        .because(format!("one instance is observed for {soak} (line {line}), and they are needed after that"))
        .help("write a longer time, such as 7d")
        .warning();
    Some(mistake)
}

fn worker_counts(context: &mut Context<'_>) {
    let all = context.count("worker_counts");
    // What cannot be read changes nothing: no count between these two would put them in order.
    let counts: Vec<(usize, u32)> =
        (0..all).filter_map(|position| Some((position, context.read(&format!("worker_counts.{position}"))?))).collect();
    let mut sorted: Vec<u32> = counts.iter().map(|(_, count)| *count).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let help = if counts.len() == all { format!("write {sorted:?}") } else { "write them in ascending order".into() };
    for pair in counts.windows(2) {
        let &[(_, earlier), (position, later)] = pair else { continue };
        let message = match later.cmp(&earlier) {
            std::cmp::Ordering::Greater => continue,
            std::cmp::Ordering::Equal => format!("{later} workers are tried twice"),
            std::cmp::Ordering::Less => format!("{later} workers come after {earlier}"),
        };
        let mistake = context
            .at(Code::RolloutWorkerCounts, &format!("worker_counts.{position}"), message)
            .because("the load is raised step by step, and stops where more workers no longer help")
            .help(help.clone());
        context.report(mistake);
    }
}
