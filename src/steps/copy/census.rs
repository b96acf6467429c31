//! `session_census`: what staging's sessions are made of, before the copy keeps such sessions in the store.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::rollout::{Rollout, STAGING};
use crate::core::{Contract, Facts, Failure, Verdict};
use crate::ports::{CensusFacts, CensusJob};
use crate::steps::measure::measurement;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// The size, in bytes, above which a session is large: it is read and written whole with every request of its user, and is
/// felt.
const LARGE_SESSION_BYTES: u64 = 1 << 20;

/// The maximum number of types that are named in one line.
const MAX_NAMED_TYPES: usize = 3;

/// Counts.
pub struct SessionCensus;

/// What a `session_census` step is told: nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for SessionCensus {
    type Settings = Settings;
    const NAME: &'static str = "session_census";
    const SUMMARY: &'static str = "counts types, sizes and lifetimes of staging's sessions";
    const CONTRACT: Contract = Contract::Observe;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

#[async_trait]
impl Observe for SessionCensus {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let directory = &rollout.application.directory;
        Diff::one(DiffAction::Read, format!("types, sizes and lifetimes of the sessions below {directory}; no values"))
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let rollout = context.rollout();
        let job = CensusJob {
            unit: rollout.application.unit.clone(),
            bridge: rollout.staging.copy.directory.clone(),
            application: rollout.application.directory.clone(),
        };
        context.say(format!("counting the sessions below {}", job.application));
        let counted = context.ports.targets.reader(&rollout.staging.host).session_census(&job).await?;
        let data = serde_json::to_value(&counted)
            .map_err(|error| Failure::permanent(format!("the census cannot be written down: {error}")))?;
        // Judged by nobody: the data gate tries what the bridge keeps, and the comparison feels what is too large.
        let measurements = vec![measurement(Verdict::Pass, STAGING, summary(&counted), data)];
        Ok(Observation { facts: Facts::new(), measurements, failure: None })
    }
}

/// One line: how many, and what would fail or bloat.
fn summary(counted: &CensusFacts) -> String {
    if counted.sessions == 0 {
        let unread = counted.unreadable + counted.untrusted;
        return format!("no session files were found below the application ({unread} could not be read)");
    }
    let [median, _, largest] = counted.redis_bytes;
    let mut parts = vec![format!(
        "{} sessions ({} expired), {} in the store, {} the median",
        counted.sessions,
        counted.expired,
        size(counted.redis_total_bytes),
        size(median)
    )];
    if !counted.unserializable.is_empty() {
        let mut types: Vec<(&String, &u64)> = counted.unserializable.iter().collect();
        types.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
        let mut named: Vec<String> =
            types.iter().take(MAX_NAMED_TYPES).map(|(name, count)| format!("{name} in {count}")).collect();
        if types.len() > MAX_NAMED_TYPES {
            named.push(format!("{} more types", types.len() - MAX_NAMED_TYPES));
        }
        parts.push(format!("would stay in the old store: {}", named.join(", ")));
    }
    if largest > LARGE_SESSION_BYTES {
        parts.push(format!("would bloat: the largest takes {} with every request of its user", size(largest)));
    }
    if counted.untrusted + counted.unreadable > 0 {
        parts.push(format!("not counted: {} untrusted and {} unreadable files", counted.untrusted, counted.unreadable));
    }
    if parts.len() == 1 {
        parts.push("nothing would fail or bloat".to_owned());
    }
    parts.join("; ")
}

/// Bytes for a person.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{}.{} MiB", bytes >> 20, ((bytes % (1 << 20)) * 10) >> 20),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_would_fail_or_bloat_is_named() {
        let counted = CensusFacts {
            sessions: 40,
            expired: 2,
            untrusted: 1,
            redis_bytes: [2_048, 9_000, 1_677_722],
            redis_total_bytes: 900,
            unserializable: BTreeMap::from([
                ("app.Cart".into(), 3),
                ("sklearn.Model".into(), 9),
                ("a.B".into(), 1),
                ("a.C".into(), 1),
            ]),
            ..CensusFacts::default()
        };
        assert_eq!(
            summary(&counted),
            "40 sessions (2 expired), 900 B in the store, 2 KiB the median; would stay in the old store: sklearn.Model \
             in 9, app.Cart in 3, a.B in 1, 1 more types; would bloat: the largest takes 1.6 MiB with every request of \
             its user; not counted: 1 untrusted and 0 unreadable files"
        );
        let healthy = CensusFacts { sessions: 1, ..CensusFacts::default() };
        assert!(summary(&healthy).ends_with("nothing would fail or bloat"));
        assert!(summary(&CensusFacts::default()).starts_with("no session files were found"));
    }
}
