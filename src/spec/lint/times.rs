//! Durations and worker counts.

use std::time::Duration;

use super::context::Context;
use crate::core::rollout::HumanDuration;
use crate::spec::diagnostic::Code;

const HOUR: Duration = Duration::from_secs(3600);

pub fn check(context: &mut Context<'_>) {
    zero_durations(context);
    short_soak(context);
    stale_evidence(context);
    worker_counts(context);
}

fn zero_durations(context: &mut Context<'_>) {
    let rollout = context.rollout;
    let durations: [(&str, HumanDuration, &str, &str); 5] = [
        ("ssh.connect_timeout", rollout.ssh.connect_timeout, "no connection opens in no time", "10s"),
        (
            "cache.latency_p99",
            rollout.cache.latency_p99,
            "no command takes no time, so no store would be good enough",
            "250ms",
        ),
        ("load.duration", rollout.load.duration, "a load of no time measures nothing", "10m"),
        (
            "soak.duration",
            rollout.soak.duration,
            "an instance would be followed by the next without being observed",
            "24h",
        ),
        (
            "evidence.maximum_age",
            rollout.evidence.maximum_age,
            "every measurement would be too old to open a gate",
            "7d",
        ),
    ];
    for (path, duration, why, example) in durations {
        if duration.is_zero() {
            let mistake = context
                .at(Code::RolloutZeroDuration, path, format!("`{path}` is no time at all"))
                .because(why)
                .help(format!("write a duration such as {example}"));
            context.report(mistake);
        }
    }
}

fn short_soak(context: &mut Context<'_>) {
    let soak = context.rollout.soak.duration;
    if soak.is_zero() || soak.get() >= HOUR {
        return;
    }
    let mistake = context
        .at(Code::RolloutShortSoak, "soak.duration", format!("each instance is observed for only {soak}"))
        .because("leaks and the end of long sessions show after hours")
        .help("write 24h, unless this is a rehearsal")
        .warning();
    context.report(mistake);
}

fn stale_evidence(context: &mut Context<'_>) {
    let (soak, age) = (context.rollout.soak.duration, context.rollout.evidence.maximum_age);
    if age.is_zero() || age.get() > soak.get() {
        return;
    }
    let line = context.line("soak.duration");
    let mistake = context
        .at(Code::RolloutStaleEvidence, "evidence.maximum_age", format!("measurements are too old after {age}"))
        .because(format!("one instance is observed for {soak} (line {line}), and they are needed after that"))
        .help("write a longer time, such as 7d")
        .warning();
    context.report(mistake);
}

fn worker_counts(context: &mut Context<'_>) {
    let counts = &context.rollout.worker_counts;
    for (position, pair) in counts.windows(2).enumerate() {
        let &[earlier, later] = pair else { continue };
        let message = match later.cmp(&earlier) {
            std::cmp::Ordering::Greater => continue,
            std::cmp::Ordering::Equal => format!("{later} workers are tried twice"),
            std::cmp::Ordering::Less => format!("{later} workers come after {earlier}"),
        };
        let mut sorted = counts.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let mistake = context
            .at(Code::RolloutWorkerCounts, &format!("worker_counts.{}", position + 1), message)
            .because("the load is raised step by step, and stops where more workers no longer help")
            .help(format!("write {sorted:?}"));
        context.report(mistake);
    }
}
