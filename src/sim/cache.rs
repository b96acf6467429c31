//! Redis servers: which connections they accept, and how they reply to commands.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::{Failure, Secret};
use crate::ports::{CacheInfo, KeySpace, ServerIdentity, StoreAccess, TransportSecurity};

/// Redis servers, by endpoint (`host:port`).
pub(in crate::sim) type Stores = BTreeMap<String, CacheServer>;

/// A Redis server.
#[derive(Debug, Clone)]
pub struct CacheServer {
    /// Never shared by two servers.
    pub run_id: String,
    /// Its version.
    pub version: String,
    /// Whether it speaks TLS, and nothing else.
    pub tls: bool,
    /// The token it asks for.
    pub token: Option<String>,
    /// What a round trip takes, in turn: the first entry, the second, and again from the first.
    pub round_trips: Vec<Duration>,
    /// Whether it takes any token for the right one.
    pub accepts_any_token: bool,
    /// Whether it also answers plain text.
    pub answers_plain_text: bool,
    /// Whether it forgets what it is told.
    pub forgets: bool,
    /// Keys evicted for want of memory since it started.
    pub evicted_keys: u64,
    /// Connections it has refused since it started.
    pub rejected_connections: u64,
    /// How much memory it may use, in bytes, when there is a limit.
    pub max_memory: Option<u64>,
    /// How many more are evicted between two times that somebody asks.
    pub evicts_each_time: u64,
    /// Keys that were asked for and there, and those that were not, since it started.
    pub asked: (u64, u64),
    /// Keys, their values, and when they expire; one that does not, at `Duration::MAX`.
    pub keys: BTreeMap<String, (Vec<u8>, Duration)>,
    served: usize,
}

impl CacheServer {
    /// A healthy, empty one.
    pub fn new(run_id: String, version: String, tls: bool, token: Option<String>) -> Self {
        Self {
            run_id,
            version,
            tls,
            token,
            round_trips: vec![Duration::from_millis(18), Duration::from_millis(21), Duration::from_millis(19)],
            accepts_any_token: false,
            answers_plain_text: false,
            forgets: false,
            evicted_keys: 0,
            evicts_each_time: 0,
            rejected_connections: 0,
            max_memory: None,
            asked: (0, 0),
            keys: BTreeMap::new(),
            served: 0,
        }
    }

    /// How long the next round trip takes.
    pub(in crate::sim) fn round_trip(&mut self) -> Duration {
        let takes = self.round_trips.get(self.served % self.round_trips.len().max(1)).copied().unwrap_or_default();
        self.served += 1;
        takes
    }

    /// Whether a new connection is authenticated, or why it is refused.
    pub(in crate::sim) fn admit(&self, security: &TransportSecurity, token: Option<&Secret>) -> Result<bool, Failure> {
        match (security, self.tls) {
            (TransportSecurity::Plain, true) if !self.answers_plain_text => {
                return Err(Failure::transient("the server closed the connection"));
            }
            (TransportSecurity::Tls { .. }, false) => {
                return Err(Failure::permanent("the server does not speak TLS"));
            }
            _ => {}
        }
        match (&self.token, token) {
            (None, None) => Ok(true),
            (Some(_), None) => Ok(false),
            (Some(_), Some(_)) if self.accepts_any_token => Ok(true),
            (Some(right), Some(given)) if right == given.expose() => Ok(true),
            (Some(_), Some(_)) => Err(Failure::permanent("WRONGPASS invalid username-password pair")),
            (None, Some(_)) => Err(Failure::permanent("ERR AUTH called without any password configured")),
        }
    }

    /// Removes the keys that have expired.
    pub(in crate::sim) fn expire(&mut self, now: Duration) {
        self.keys.retain(|_, (_, until)| *until > now);
    }

    /// Sets a key that does not exist; `false` when it does.
    pub(in crate::sim) fn set_new(&mut self, key: &str, value: &[u8], until: Duration) -> bool {
        if self.keys.contains_key(key) {
            return false;
        }
        self.put(key, value, until);
        true
    }

    /// Sets a key, whether it exists or not.
    pub(in crate::sim) fn put(&mut self, key: &str, value: &[u8], until: Duration) {
        if !self.forgets {
            self.keys.insert(key.to_owned(), (value.to_vec(), until));
        }
    }

    /// The value of a key.
    pub(in crate::sim) fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        let value = self.keys.get(key).map(|(value, _)| value.clone());
        let (hits, misses) = &mut self.asked;
        *if value.is_some() { hits } else { misses } += 1;
        value
    }

    /// How long a key has left, when it expires at all.
    pub(in crate::sim) fn ttl(&self, key: &str, now: Duration) -> Option<Duration> {
        let until = self.keys.get(key).map(|(_, until)| *until).filter(|until| *until < Duration::MAX);
        until.map(|until| until.saturating_sub(now))
    }

    /// Which server this is.
    pub(in crate::sim) fn identity(&self) -> ServerIdentity {
        ServerIdentity { run_id: self.run_id.clone(), version: self.version.clone() }
    }

    /// Its counters.
    pub(in crate::sim) fn info(&mut self) -> CacheInfo {
        self.evicted_keys += self.evicts_each_time;
        CacheInfo {
            clients: 1,
            blocked_clients: 0,
            used_memory: (1 << 20) + self.keys.values().map(|(value, _)| value.len() as u64 + 100).sum::<u64>(),
            max_memory: self.max_memory,
            evicted_keys: self.evicted_keys,
            rejected_connections: self.rejected_connections,
            keyspace_hits: self.asked.0,
            keyspace_misses: self.asked.1,
            operations_per_second: 0,
        }
    }

    /// The server for a client that may write to it.
    pub(in crate::sim) fn admitted(&mut self, store: &StoreAccess, now: Duration) -> Result<&mut Self, Failure> {
        if !self.admit(&store.security, store.token.as_ref())? {
            return Err(Failure::permanent("NOAUTH Authentication required."));
        }
        self.expire(now);
        Ok(self)
    }

    /// Marks a key space as the rollout's own.
    pub(in crate::sim) fn claim(&mut self, keys: &KeySpace) -> Result<(), Failure> {
        self.refuse_another(keys)?;
        self.keys.insert(keys.mark(), (keys.rollout.clone().into_bytes(), Duration::MAX));
        Ok(())
    }

    /// Removes a key space of the rollout's own.
    pub(in crate::sim) fn release(&mut self, keys: &KeySpace) -> Result<(), Failure> {
        self.refuse_another(keys)?;
        self.keys.retain(|key, _| !key.starts_with(&keys.prefix));
        Ok(())
    }

    /// Refuses a key space that carries the mark of another rollout.
    fn refuse_another(&self, keys: &KeySpace) -> Result<(), Failure> {
        let Some((name, _)) = self.keys.get(&keys.mark()) else { return Ok(()) };
        let name = String::from_utf8_lossy(name);
        if name == keys.rollout { Ok(()) } else { Err(keys.belongs_to(&name)) }
    }
}
