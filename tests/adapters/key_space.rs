//! The copy's keys in a real store: claimed once, released without a trace, never somebody else's.

use std::process::Command;
use std::time::Duration;

use migrate::adapters::RedisConnector;
use migrate::core::{FailureClass, Outcome, Secret};
use migrate::ports::{CacheSession, CacheWrite, KeySpace, Route, StoreAccess, TransportSecurity};

use crate::support::permits;
use crate::support::process::run;
use crate::support::redis_server::{RedisServer, TOKEN};
use crate::support::sshd::{Sshd, staging};

const LIMIT: Duration = Duration::from_secs(5);

struct Site {
    _sshd: Sshd,
    server: RedisServer,
    connector: RedisConnector,
    store: StoreAccess,
}

impl Site {
    fn plain(route: Route) -> Self {
        let (sshd, server) = (Sshd::start(), RedisServer::plain(None));
        let store = StoreAccess {
            route,
            endpoint: server.endpoint("127.0.0.1"),
            security: TransportSecurity::Plain,
            token: None,
        };
        Self { connector: RedisConnector::new(sshd.hosts()), _sshd: sshd, server, store }
    }

    async fn session(&self) -> Box<dyn CacheSession> {
        self.store.open(&self.connector, LIMIT).await.expect("a session")
    }

    /// What the server's own command line client says.
    fn client(&self, words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.server.port.to_string()]).args(words);
        String::from_utf8_lossy(&run(&mut command, "redis-tools").stdout).trim().to_owned()
    }

    /// Keys with this beginning and a number, so many.
    fn fill(&self, prefix: &str, count: u32) {
        let script = "for i = 1, ARGV[2] do redis.call('SET', ARGV[1] .. i, 'a session') end return ARGV[2]";
        assert_eq!(self.client(&["EVAL", script, "0", prefix, &count.to_string()]), count.to_string());
    }
}

fn keys(prefix: &str) -> KeySpace {
    KeySpace { prefix: prefix.into(), rollout: "sessions".into() }
}

#[tokio::test]
async fn a_key_space_comes_and_goes_with_every_key_in_it() {
    let site = Site::plain(Route::Through(staging()));
    // Characters that mean something in a pattern are only themselves here.
    let ours = keys(r"a*[b]?\-^:copy:");
    site.connector.claim(&permits::apply(), &site.store, &ours).await.expect("claimed");
    site.connector.claim(&permits::apply(), &site.store, &ours).await.expect("and ours already");
    assert_eq!(site.client(&["TTL", &ours.mark()]), "-1", "the mark does not expire");
    site.fill(&ours.prefix, 3_000);
    // What the pattern would match, were it one.
    site.fill("axxb-:copy:", 700);
    site.fill("other:", 700);

    let mut session = site.session().await;
    assert!(session.exists(&ours.mark()).await.expect("exists"));
    let first = session.first_with_prefix(&ours.prefix).await.expect("scan").expect("a key");
    assert!(first.starts_with(&ours.prefix), "{first}");
    assert_eq!(site.client(&["DBSIZE"]), "4401");

    site.connector.release(&permits::undo(), &site.store, &ours).await.expect("released");
    assert_eq!(site.client(&["DBSIZE"]), "1400");
    assert_eq!(session.first_with_prefix(&ours.prefix).await.expect("scan"), None);
    assert!(!session.exists(&ours.mark()).await.expect("exists"));
    site.connector.release(&permits::undo(), &site.store, &ours).await.expect("nothing left to release");
}

#[tokio::test]
async fn another_rollouts_keys_stay() {
    let site = Site::plain(Route::Direct);
    let ours = keys("a:copy:");
    let theirs = KeySpace { rollout: "another".into(), ..ours.clone() };
    site.connector.claim(&permits::apply(), &site.store, &theirs).await.expect("claimed");
    site.fill("a:copy:", 10);
    for failed in [
        site.connector.claim(&permits::apply(), &site.store, &ours).await.expect_err("theirs"),
        site.connector.release(&permits::undo(), &site.store, &ours).await.expect_err("theirs"),
    ] {
        assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Foreign), "{failed}");
        assert!(failed.failure.message.contains("`another`"), "{failed}");
    }
    assert_eq!((site.client(&["DBSIZE"]).as_str(), site.client(&["GET", "a:copy:owner"]).as_str()), ("11", "another"));
}

#[tokio::test]
async fn keys_without_a_mark_are_released() {
    let site = Site::plain(Route::Direct);
    site.fill("a:copy:", 10);
    site.connector.release(&permits::undo(), &site.store, &keys("a:copy:")).await.expect("released");
    assert_eq!(site.client(&["DBSIZE"]), "0");
}

#[tokio::test]
async fn everything_there_is_belongs_to_nobody() {
    let site = Site::plain(Route::Direct);
    site.fill("other:", 3);
    let failed = site.connector.release(&permits::undo(), &site.store, &keys("")).await.expect_err("everything");
    assert_eq!(failed.outcome, Outcome::Clean, "{failed}");
    assert!(site.connector.claim(&permits::apply(), &site.store, &keys("")).await.is_err());
    assert_eq!(site.client(&["DBSIZE"]), "3");
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_not_changed() {
    let sshd = Sshd::start();
    let (server, connector) = (RedisServer::secured(Some(TOKEN), "DNS:localhost"), RedisConnector::new(sshd.hosts()));
    let store = |token: &str, port: u16| StoreAccess {
        route: Route::Through(staging()),
        endpoint: migrate::ports::Endpoint { port, ..server.endpoint("localhost") },
        security: TransportSecurity::Tls { ca_file: Some(server.authority()) },
        token: Some(Secret::new(token.to_owned())),
    };
    let ours = keys("a:copy:");
    let refused = connector.claim(&permits::apply(), &store("wrong-token", server.port), &ours).await;
    let refused = refused.expect_err("a wrong token");
    assert_eq!((refused.outcome, refused.failure.class), (Outcome::Clean, FailureClass::Permanent), "{refused}");
    let closed = store(TOKEN, crate::support::process::CLOSED_PORT);
    let away = connector.release(&permits::undo(), &closed, &ours).await.expect_err("nobody listens");
    assert_eq!((away.outcome, away.failure.class), (Outcome::Clean, FailureClass::Transient), "{away}");
    connector.claim(&permits::apply(), &store(TOKEN, server.port), &ours).await.expect("the right token");
}
