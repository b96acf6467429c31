//! `session_key_space`: the keys of the copy, or of production, in the store, marked as ours, so that a rollback can
//! remove exactly them.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::{
    ApplyPermit, Contract, Facts, Failure, Input, Measurement, Statement, UndoPermit, Verdict, rollout::Rollout,
};
use crate::ports::{CacheSession, Endpoint, KeySpace, StoreAccess, WriteFailure};
use crate::steps::account::{names, tags};
use crate::steps::facts::COPY_KEY_PREFIX;
use crate::steps::measure::measurement;
use crate::steps::site::{copy_layout, release_layout, store_access};
use crate::steps::waiting::UntilVisible;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// How long one connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How many times a store that does not answer is asked before it counts as down.
const MAX_ATTEMPTS: u32 = 3;
/// How long to wait between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Claims keys.
pub struct SessionKeySpace(Settings);

/// Whose keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The test copy's on staging.
    #[default]
    Copy,
    /// Those of all production targets: they share one store.
    Production,
}

/// What a `session_key_space` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The store, as `host:port`.
    endpoint: Input<String>,
    /// Whose keys: those of the copy on staging, or of production.
    #[serde(default)]
    of: Whose,
}

impl Kind for SessionKeySpace {
    type Settings = Settings;
    const NAME: &'static str = "session_key_space";
    const SUMMARY: &'static str = "marks the copy's or production's keys in the store; its undo removes them";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[COPY_KEY_PREFIX.name()];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

/// The content of a key space: the keys under its prefix.
#[derive(Debug, PartialEq, Eq)]
enum KeySpaceContent {
    Nothing,
    Owned(String),
    Unmarked(String),
}

async fn look(session: &mut dyn CacheSession, keys: &KeySpace) -> Result<KeySpaceContent, Failure> {
    if let Some(name) = session.get(&keys.mark()).await? {
        return Ok(KeySpaceContent::Owned(String::from_utf8_lossy(&name).into_owned()));
    }
    Ok(session.first_with_prefix(&keys.prefix).await?.map_or(KeySpaceContent::Nothing, KeySpaceContent::Unmarked))
}

impl SessionKeySpace {
    fn keys(&self, rollout: &Rollout) -> KeySpace {
        let prefix = match self.0.of {
            Whose::Copy => copy_layout::key_prefix(rollout),
            Whose::Production => release_layout::key_prefix(rollout),
        };
        KeySpace { prefix, rollout: rollout.name.to_string() }
    }

    /// The store's endpoint; `None` when there is no store. A journal that was lost does not know it, but AWS does.
    async fn endpoint(&self, context: &ReadContext<'_>) -> Result<Option<Endpoint>, Failure> {
        if let Ok(text) = self.0.endpoint.text(context.facts) {
            return text.parse().map(Some);
        }
        let group = context.ports.cloud.replication_group(&names::replication_group(context.rollout())).await?;
        Ok(group.filter(|group| tags::are_ours(&group.tags, context.rollout())).and_then(|group| group.endpoint))
    }

    /// The store, for a step that cannot do without.
    async fn store(&self, context: &ReadContext<'_>) -> Result<StoreAccess, Failure> {
        let endpoint = self.0.endpoint.text(context.facts)?.parse()?;
        store_access::through_staging(context, endpoint).await
    }

    async fn seen(&self, context: &ReadContext<'_>, store: &StoreAccess) -> Result<KeySpaceContent, Failure> {
        let mut session = store.open(&*context.ports.cache, CONNECT_TIMEOUT).await?;
        look(&mut *session, &self.keys(context.rollout())).await
    }
}

#[async_trait]
impl Change for SessionKeySpace {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let what = format!("the keys {}* in the store", self.keys(context.rollout()).prefix);
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    fn actions(&self, _: &Rollout) -> Vec<Statement> {
        vec![Statement {
            purpose: "describe the cache".into(),
            actions: vec!["elasticache:DescribeReplicationGroups".into(), "elasticache:ListTagsForResource".into()],
            resources: vec!["*".into()],
        }]
    }

    /// A store that is down or gone holds nothing of ours that a rollback could remove: its keys expire by themselves and
    /// go with the cluster. A rollback has to work then, too, so this is `Absent`, and is said.
    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let keys = self.keys(context.rollout());
        let Some(endpoint) = self.endpoint(context).await? else {
            context.say(format!("there is no store, and so no key {}* in it", keys.prefix));
            return Ok(Presence::Absent);
        };
        let store = store_access::through_staging(context, endpoint).await?;
        let mut tried = 1;
        let found = loop {
            match self.seen(context, &store).await {
                Ok(found) => break found,
                Err(failure) if !failure.class.is_retryable() => return Err(failure),
                Err(failure) if tried >= MAX_ATTEMPTS => {
                    context.say(format!(
                        "the store does not answer ({failure}); keys {}* that are in it expire by themselves and go \
                         with the cluster",
                        keys.prefix
                    ));
                    return Ok(Presence::Absent);
                }
                Err(_) => {
                    tried += 1;
                    context.ports.clock.sleep(RETRY_INTERVAL).await;
                }
            }
        };
        Ok(match found {
            KeySpaceContent::Nothing => Presence::Absent,
            KeySpaceContent::Owned(name) if name == keys.rollout => Presence::Ours(Condition::Usable),
            KeySpaceContent::Owned(name) => Presence::Foreign(keys.belongs_to(&name).message),
            // Sessions of real users are not removed because a mark is gone: it is set again.
            KeySpaceContent::Unmarked(_) if self.0.of == Whose::Production => Presence::Ours(Condition::Unfinished),
            KeySpaceContent::Unmarked(key) => {
                Presence::Ours(Condition::Broken(format!("there are keys such as {key}, without the mark")))
            }
        })
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let store = self.store(context.read).await.map_err(WriteFailure::clean)?;
        context.ports.cache.claim(permit, &store, &self.keys(context.read.rollout())).await
    }

    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure> {
        let keys = self.keys(context.rollout());
        let store = self.store(context).await?;
        let wait = UntilVisible::new(&*context.ports.clock, format!("the key {}", keys.mark()));
        loop {
            let seen = self.seen(context, &store).await;
            let ours = seen.map(|found| (found == KeySpaceContent::Owned(keys.rollout.clone())).then_some(()));
            if wait.over(ours).await?.is_some() {
                // Production's prefix is in no fact: what uses `copy.key_prefix` means the copy.
                return Ok(match self.0.of {
                    Whose::Copy => Facts::new().with_fact(COPY_KEY_PREFIX, keys.prefix),
                    Whose::Production => Facts::new(),
                });
            }
        }
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let keys = self.keys(context.rollout());
        let store = self.store(context).await?;
        let mut session = store.open(&*context.ports.cache, CONNECT_TIMEOUT).await?;
        let found = look(&mut *session, &keys).await?;
        let lifetime = session.ttl(&keys.mark()).await?;
        let data = serde_json::json!({ "prefix": keys.prefix, "mark": keys.mark() });
        let (verdict, summary) = match (found, lifetime) {
            (KeySpaceContent::Owned(name), None) if name == keys.rollout => {
                (Verdict::Pass, format!("the keys {}* are marked as this rollout's", keys.prefix))
            }
            (KeySpaceContent::Owned(name), Some(left)) if name == keys.rollout => (
                Verdict::Abort,
                format!(
                    "the mark {} expires in {} s: a rollback would then not know the keys",
                    keys.mark(),
                    left.as_secs()
                ),
            ),
            (KeySpaceContent::Owned(name), _) => (Verdict::Abort, keys.belongs_to(&name).message),
            _ => (Verdict::Abort, format!("the mark {} is gone: something else empties this store", keys.mark())),
        };
        Ok(vec![measurement(verdict, store.endpoint.to_string(), summary, data)])
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let Some(endpoint) = self.endpoint(context.read).await.map_err(WriteFailure::clean)? else { return Ok(()) };
        let store = store_access::through_staging(context.read, endpoint).await.map_err(WriteFailure::clean)?;
        context.ports.cache.release(permit, &store, &self.keys(context.read.rollout())).await
    }
}
