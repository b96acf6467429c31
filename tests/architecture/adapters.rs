//! The parts of `src/adapters`: what one may use of another.

use std::collections::BTreeSet;

use crate::code::{Source, sources};
use crate::edges::{Edge, Row, assert_ordered, edges_within, outside};

/// A part, and the parts it may use. Each uses only parts above it, so there is no circle.
const PARTS: [Row; 10] = [
    ("clock", &[]),
    ("local", &[]),
    ("no_cloud", &[]),
    ("secrets", &[]),
    ("ssh", &[]),
    ("net", &["ssh"]),
    ("http", &["net", "ssh"]),
    ("redis", &["net", "ssh"]),
    ("aws", &["secrets"]),
    ("factory", &["aws", "no_cloud", "secrets"]),
];

fn is_part(name: &str) -> bool {
    PARTS.iter().any(|(part, _)| *part == name)
}

/// The parts that a source in `src/adapters` uses besides its own.
fn part_edges(source: &Source) -> BTreeSet<Edge> {
    let edges = edges_within(&["adapters"], source);
    edges.into_iter().filter(|edge| is_part(&edge.to) && edge.from != "mod").collect()
}

fn forbidden(edges: impl IntoIterator<Item = Edge>) -> Vec<Edge> {
    outside(&PARTS, edges)
}

#[test]
fn a_part_uses_only_what_the_table_allows() {
    let found = forbidden(sources("src/adapters").iter().flat_map(part_edges));
    assert!(found.is_empty(), "uses that the table does not allow: {found:#?}");
}

#[test]
fn every_part_is_in_the_table_below_what_it_uses() {
    for source in sources("src/adapters") {
        assert!(source.module().get(1).is_none_or(|part| is_part(part)), "{} is in no part of the table", source.path);
    }
    assert_ordered(&PARTS);
}

#[test]
fn uses_between_parts_are_found() {
    let all: BTreeSet<_> =
        sources("src/adapters").iter().flat_map(part_edges).map(|edge| (edge.from, edge.to)).collect();
    for (from, to) in [("http", "net"), ("redis", "net"), ("net", "ssh"), ("factory", "aws"), ("aws", "secrets")] {
        assert!(all.contains(&(from.to_owned(), to.to_owned())), "{from} uses {to}, and it was not found");
    }
}

#[test]
fn the_use_of_a_sibling_is_rejected_in_every_form() {
    let rejected = |path: &str, text: &str| !forbidden(part_edges(&Source::new(path, text))).is_empty();
    assert!(rejected("src/adapters/net/tls.rs", "use crate::adapters::http::HttpLoad;"));
    assert!(rejected("src/adapters/net/tls.rs", "use crate::adapters::{ssh::Hosts, redis::RedisConnector};"));
    assert!(rejected("src/adapters/net/mod.rs", "use super::redis;"));
    assert!(rejected("src/adapters/http/way.rs", "use super::super::redis::RedisConnector;"));
    assert!(rejected("src/adapters/redis/origin.rs", "use crate::adapters::http::HttpLoad;"));
    assert!(rejected("src/adapters/ssh/run.rs", "use crate::adapters::net::Stream;"));
    assert!(!rejected("src/adapters/http/way.rs", "use super::connection; use crate::adapters::net::Stream;"));
    assert!(!rejected("src/adapters/mod.rs", "pub use redis::RedisConnector; use self::http::HttpLoad;"));
}
