//! The store: direct and through a host, plain and TLS, with the right token and the wrong one.

use std::time::{Duration, Instant};

use migrate::adapters::RedisConnector;
use migrate::core::{Failure, FailureClass, Secret};
use migrate::ports::{CacheConnector, CacheSession, Endpoint, Route, TransportSecurity};

use crate::support::process::CLOSED_PORT;
use crate::support::redis_server::{RedisServer, TOKEN};
use crate::support::sshd::{Sshd, staging};
use crate::support::until::until;

const LIMIT: Duration = Duration::from_secs(5);
const NAMES: &str = "DNS:localhost,IP:127.0.0.1";

struct Site {
    sshd: Sshd,
    connector: RedisConnector,
}

impl Site {
    fn new() -> Self {
        let sshd = Sshd::start();
        Self { connector: RedisConnector::new(sshd.hosts()), sshd }
    }

    async fn open(
        &self,
        route: &Route,
        endpoint: &Endpoint,
        security: &TransportSecurity,
        token: Option<&str>,
    ) -> Result<Box<dyn CacheSession>, Failure> {
        let token = token.map(|token| Secret::new(token.to_owned()));
        self.connector.connect(route, endpoint, security, token.as_ref(), LIMIT).await
    }

    async fn refused(
        &self,
        route: &Route,
        endpoint: &Endpoint,
        security: &TransportSecurity,
        token: Option<&str>,
        class: FailureClass,
        words: &str,
    ) {
        let started = Instant::now();
        let Err(failure) = self.open(route, endpoint, security, token).await else {
            panic!("{route:?}: connected, expected {words}");
        };
        assert_eq!(failure.class, class, "{route:?}: {failure}");
        assert!(failure.message.contains(words), "{route:?}: {failure}, expected {words}");
        assert!(!format!("{failure:?}").contains("wrong-token"), "{failure}");
        assert!(started.elapsed() < LIMIT * 4, "{route:?}: {:?}", started.elapsed());
    }
}

fn routes() -> [Route; 2] {
    [Route::Direct, Route::Through(staging())]
}

fn tls(server: &RedisServer) -> TransportSecurity {
    TransportSecurity::Tls { ca_file: Some(server.authority()) }
}

async fn exercise(session: &mut dyn CacheSession) {
    let key = "migrate:test";
    session.ping().await.expect("ping");
    assert_eq!(session.get(key).await.expect("get"), None);
    assert_eq!(session.ttl(key).await.expect("ttl"), None);
    assert!(session.set_new(key, b"\0\xffvalue", Duration::from_secs(60)).await.expect("set"));
    assert!(!session.set_new(key, b"other", Duration::from_secs(60)).await.expect("set"));
    assert_eq!(session.get(key).await.expect("get").as_deref(), Some(&b"\0\xffvalue"[..]));
    let ttl = session.ttl(key).await.expect("ttl").expect("it expires");
    assert!((50..=60).contains(&ttl.as_secs()), "{ttl:?}");
    assert!(session.delete(key).await.expect("delete"));
    assert!(!session.delete(key).await.expect("delete"));
    let info = session.info().await.expect("info");
    assert!(info.clients >= 1 && info.used_memory > 100_000 && info.evicted_keys == 0, "{info:?}");
    assert!(info.keyspace_hits >= 1 && info.keyspace_misses >= 1 && info.max_memory.is_none(), "{info:?}");
    let identity = session.identity().await.expect("identity");
    assert_eq!(identity.run_id.len(), 40);
    assert!(identity.version.contains('.'));
}

#[tokio::test]
async fn a_store_with_tls_and_a_token_is_used_both_ways() {
    let (site, server) = (Site::new(), RedisServer::secured(Some(TOKEN), NAMES));
    let mut identities = Vec::new();
    for route in routes() {
        let mut session =
            site.open(&route, &server.endpoint("localhost"), &tls(&server), Some(TOKEN)).await.expect("a session");
        exercise(session.as_mut()).await;
        identities.push(session.identity().await.expect("identity"));
    }
    assert_eq!(identities[0], identities[1]);
}

#[tokio::test]
async fn a_plain_store_is_used_both_ways() {
    let (site, server) = (Site::new(), RedisServer::plain(None));
    for route in routes() {
        let mut session =
            site.open(&route, &server.endpoint("127.0.0.1"), &TransportSecurity::Plain, None).await.expect("a session");
        exercise(session.as_mut()).await;
    }
}

#[tokio::test]
async fn a_wrong_token_is_permanent_and_not_repeated() {
    let (site, server) = (Site::new(), RedisServer::secured(Some(TOKEN), NAMES));
    let (endpoint, tls) = (server.endpoint("localhost"), tls(&server));
    for route in routes() {
        let class = FailureClass::Permanent;
        site.refused(&route, &endpoint, &tls, Some("wrong-token"), class, "refuses the auth token").await;
        site.refused(&route, &endpoint, &tls, None, class, "asks for a token").await;
    }
    let open = RedisServer::plain(None);
    let (route, plain) = (Route::Direct, TransportSecurity::Plain);
    site.refused(
        &route,
        &open.endpoint("127.0.0.1"),
        &plain,
        Some("wrong-token"),
        FailureClass::Permanent,
        "no token set",
    )
    .await;
}

#[tokio::test]
async fn a_certificate_that_is_not_right_is_explained() {
    let site = Site::new();
    let (server, other) = (RedisServer::secured(None, "DNS:cache.example.com"), RedisServer::secured(None, NAMES));
    for route in routes() {
        let class = FailureClass::Permanent;
        site.refused(&route, &server.endpoint("localhost"), &tls(&server), None, class, "but for").await;
        site.refused(&route, &server.endpoint("localhost"), &tls(&other), None, class, "not trusted").await;
        let system = TransportSecurity::Tls { ca_file: None };
        site.refused(&route, &other.endpoint("localhost"), &system, None, class, "authorit").await;
        let missing = TransportSecurity::Tls { ca_file: Some("/no/such.pem".into()) };
        site.refused(&route, &other.endpoint("localhost"), &missing, None, class, "/no/such.pem").await;
    }
}

#[tokio::test]
async fn plain_text_and_tls_are_told_apart() {
    let site = Site::new();
    let (plain, secured) = (RedisServer::plain(None), RedisServer::secured(None, NAMES));
    for route in routes() {
        let (endpoint, class) = (plain.endpoint("localhost"), FailureClass::Permanent);
        site.refused(&route, &endpoint, &tls(&secured), None, class, "speaks plain text").await;
        let wanted = TransportSecurity::Plain;
        assert!(site.open(&route, &secured.endpoint("localhost"), &wanted, None).await.is_err());
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_may_come_back() {
    let site = Site::new();
    let endpoint = Endpoint { host: "127.0.0.1".into(), port: CLOSED_PORT };
    for route in routes() {
        for security in [TransportSecurity::Plain, TransportSecurity::Tls { ca_file: None }] {
            site.refused(&route, &endpoint, &security, None, FailureClass::Transient, "refuse").await;
        }
    }
    let nowhere = Endpoint { host: "no-such-host.invalid".into(), port: 6379 };
    let through = Route::Through(staging());
    site.refused(
        &through,
        &nowhere,
        &TransportSecurity::Plain,
        None,
        FailureClass::Transient,
        "does not know the name",
    )
    .await;
}

#[tokio::test]
async fn a_silent_store_is_given_up_in_time() {
    let site = Site::new();
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let endpoint = Endpoint { host: "127.0.0.1".into(), port: silent.local_addr().expect("address").port() };
    for route in routes() {
        for security in [TransportSecurity::Plain, TransportSecurity::Tls { ca_file: None }] {
            site.refused(&route, &endpoint, &security, None, FailureClass::Transient, "does not answer").await;
        }
    }
}

#[tokio::test]
async fn a_session_ends_when_it_is_dropped_and_leaves_no_forward() {
    let (site, server) = (Site::new(), RedisServer::plain(None));
    let endpoint = server.endpoint("127.0.0.1");
    let through = Route::Through(staging());
    let mut watcher = site.open(&Route::Direct, &endpoint, &TransportSecurity::Plain, None).await.expect("a session");
    for _ in 0..5 {
        let session = site.open(&through, &endpoint, &TransportSecurity::Plain, None).await.expect("a session");
        drop(session);
    }
    // Only the watcher's own connection is left.
    until("no other connection is left", async || connections(server.port) == 1).await;
    watcher.ping().await.expect("ping");
}

/// Established connections that a server on this port has accepted.
fn connections(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("proc");
    let local = format!(":{port:04X}");
    let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.filter(|fields| fields.len() > 3 && fields[1].ends_with(&local) && fields[3] == "01").count()
}

#[tokio::test]
async fn a_session_survives_neither_the_hosts_end_nor_hides_it() {
    let (site, server) = (Site::new(), RedisServer::secured(Some(TOKEN), NAMES));
    let (through, endpoint) = (Route::Through(staging()), server.endpoint("localhost"));
    let mut session = site.open(&through, &endpoint, &tls(&server), Some(TOKEN)).await.expect("a session");
    session.ping().await.expect("ping");
    site.sshd.kill_sessions();
    let failure = session.ping().await.expect_err("the way is gone");
    assert_eq!(failure.class, FailureClass::Transient, "{failure}");
    let mut again = site.open(&through, &endpoint, &tls(&server), Some(TOKEN)).await.expect("a new session");
    exercise(again.as_mut()).await;
}
