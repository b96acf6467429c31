//! The session store, as the soaked target reaches it.

use super::kept::Kept;
use crate::core::rollout::ProductionTarget;
use crate::core::{Failure, Judgement, Subject, Verdict};
use crate::ports::{CacheInfo, Endpoint, Route, StoreAccess};
use crate::steps::ReadContext;
use crate::steps::site::store_access;
use crate::steps::site::store_state::CONNECT_TIMEOUT;

/// The share of its memory, in percent, above which the store will soon have to evict.
const FULL_PERCENT: u64 = 80;
/// The length of the part of a run id, in characters, that tells one server from another.
const RUN_ID_PREFIX_LENGTH: usize = 10;

/// What it says.
#[derive(Debug)]
pub struct StoreLook {
    run_id: String,
    info: CacheInfo,
}

/// Asks it. `Err` inside: it does not answer, and why.
///
/// # Errors
/// When the token cannot be read, or the store refuses it.
pub async fn look(
    context: &ReadContext<'_>,
    target: &ProductionTarget,
    endpoint: Endpoint,
) -> Result<Result<StoreLook, String>, Failure> {
    let access = StoreAccess {
        route: Route::Through(target.host.clone()),
        ..store_access::through_staging(context, endpoint).await?
    };
    let asked = async {
        let mut session = access.open(&*context.ports.cache, CONNECT_TIMEOUT).await?;
        let identity = session.identity().await?;
        Ok::<_, Failure>(StoreLook { run_id: identity.run_id, info: session.info().await? })
    };
    match asked.await {
        Ok(look) => Ok(Ok(look)),
        // The target itself was reached a moment ago: this is about the store.
        Err(failure) if failure.class.is_retryable() => Ok(Err(failure.message)),
        Err(failure) => Err(failure),
    }
}

/// Judges.
pub fn judge(seen: &Result<StoreLook, String>, kept: &mut Kept) -> Vec<Judgement> {
    let reason = |verdict, words: String| Judgement::new(Subject::Store, verdict, words);
    let StoreLook { run_id, info } = match seen {
        Ok(look) => look,
        Err(why) => return vec![reason(Verdict::Hold, format!("the store does not answer from the target: {why}"))],
    };
    let now =
        (run_id.chars().take(RUN_ID_PREFIX_LENGTH).collect::<String>(), info.evicted_keys, info.rejected_connections);
    let before = kept.store.replace(now.clone());
    let mut reasons = Vec::new();
    let (mut evicted, mut rejected) = (0, 0);
    match before {
        Some(before) if before.0 == now.0 => {
            evicted = now.1.saturating_sub(before.1);
            rejected = now.2.saturating_sub(before.2);
        }
        // Its counters begin anew with it.
        Some(_) => {
            (evicted, rejected) = (now.1, now.2);
            let words = "the store has restarted, or another server has taken its place".to_owned();
            reasons.push(reason(Verdict::Hold, words));
        }
        None => {}
    }
    if evicted > 0 {
        let words = format!("the store evicted {evicted} keys for want of memory: sessions are lost");
        reasons.push(reason(Verdict::Abort, words));
    }
    if rejected > 0 {
        let words = format!("the store refused {rejected} connections: it has more clients than it takes");
        reasons.push(reason(Verdict::Abort, words));
    }
    if let Some(most) =
        info.max_memory.filter(|most| u128::from(info.used_memory) * 100 > u128::from(*most) * u128::from(FULL_PERCENT))
    {
        let words = format!(
            "the store uses {} of {} MiB, more than {FULL_PERCENT} %: it will soon have to evict sessions",
            info.used_memory >> 20,
            most >> 20
        );
        reasons.push(reason(Verdict::Hold, words));
    }
    reasons
}

/// What there is to say when all is well.
pub fn summary(seen: &Result<StoreLook, String>) -> String {
    match seen {
        Ok(StoreLook { info, .. }) => {
            format!("the store holds {} MiB for {} clients", info.used_memory >> 20, info.clients)
        }
        Err(why) => why.clone(),
    }
}

/// For the record.
pub fn data(seen: &Result<StoreLook, String>) -> serde_json::Value {
    seen.as_ref()
        .map_or(serde_json::Value::Null, |look| serde_json::json!({ "run_id": look.run_id, "info": look.info }))
}
