//! The parts of `src/sim`: what each uses of the others. Every part owns its state; `world` puts them together, and no part
//! knows it.

use std::collections::BTreeSet;

use crate::code::{Source, sources};
use crate::edges::{Edge, Row, assert_ordered, edges_within, names_after, outside};

/// A module whose children are in an order: each child, and the children before it that it uses.
struct Order {
    module: &'static [&'static str],
    children: &'static [Row],
}

const ORDERS: [Order; 5] = [
    Order {
        module: &["sim"],
        children: &[
            ("clock", &[]),
            ("faults", &[]),
            ("census", &[]),
            ("paths", &[]),
            ("cache", &[]),
            ("cloud", &[]),
            ("host", &[]),
            ("application", &["paths", "cache", "host"]),
            ("world", &["clock", "faults", "census", "paths", "cache", "cloud", "host", "application"]),
        ],
    },
    Order {
        module: &["sim", "cloud"],
        children: &[
            ("cluster", &[]),
            ("balancing", &["cluster"]),
            ("state", &["cluster", "balancing"]),
            ("questions", &["state"]),
            ("changes", &["cluster", "state"]),
        ],
    },
    Order {
        module: &["sim", "host"],
        children: &[
            ("directories", &[]),
            ("workers", &[]),
            ("bridge", &[]),
            ("releases", &[]),
            ("state", &["directories", "workers", "bridge", "releases"]),
            ("shell", &["state"]),
            ("process", &["state"]),
            ("files", &["directories", "state"]),
            ("detached", &["workers", "state"]),
            ("release_facts", &["state"]),
            ("switching", &["directories", "state", "detached"]),
        ],
    },
    Order {
        module: &["sim", "application"],
        children: &[
            ("answer", &[]),
            ("sessions", &[]),
            ("trial", &["answer", "sessions"]),
            ("load", &["sessions"]),
            ("site", &["sessions", "load"]),
            ("store_loss", &["sessions", "load"]),
            ("browser", &["answer", "sessions", "trial", "site", "store_loss"]),
        ],
    },
    Order {
        module: &["sim", "world"],
        children: &[
            ("state", &[]),
            ("calls", &["state"]),
            ("secrets", &["calls"]),
            ("cloud", &["calls"]),
            ("stores", &["state", "calls"]),
            ("load", &["calls"]),
            ("browsers", &["calls"]),
            ("hosts", &["calls"]),
            ("files", &["hosts"]),
            ("detached", &["hosts"]),
            ("releases", &["hosts"]),
            ("monitor", &["calls", "hosts"]),
            ("paths", &["hosts"]),
            ("census", &["hosts"]),
            ("bridge", &["hosts"]),
        ],
    },
];

impl Order {
    /// The uses of children by each other in a source, but for those of `mod.rs`, which names them all. A name that a `mod.rs`
    /// exports is a use like any other: it would hide whose it is.
    fn edges(&self, source: &Source) -> BTreeSet<Edge> {
        let source = source.without_tests();
        edges_within(self.module, &source).into_iter().filter(|edge| edge.from != "mod").collect()
    }
}

fn forbidden(source: &Source) -> Vec<Edge> {
    let edges = ORDERS.iter().flat_map(|order| outside(order.children, order.edges(source)));
    edges.chain(hidden(source)).collect()
}

/// Uses of `sim` in a group of the crate's modules, or as a whole: the other checks do not look into them.
fn hidden(source: &Source) -> Vec<Edge> {
    let whole = |at: &usize| {
        let path = &source.code[at + "crate".len()..];
        let is_grouped = path.starts_with("::{") && names_after(path).iter().any(|name| name == "sim");
        is_grouped || path.starts_with("::sim;") || path.starts_with("::sim as ")
    };
    let edge =
        |at| Edge { from: "a part".into(), to: "sim".into(), place: format!("{}:{}", source.path, source.line(at)) };
    source.occurrences("crate").filter(whole).map(edge).collect()
}

#[test]
fn a_part_of_the_simulator_uses_those_below_it_only() {
    let found: Vec<Edge> = sources("src/sim").iter().flat_map(forbidden).collect();
    assert!(found.is_empty(), "uses that the table does not allow: {found:#?}");
}

#[test]
fn the_tables_have_no_circle() {
    ORDERS.iter().for_each(|order| assert_ordered(order.children));
}

#[test]
fn the_tables_name_what_exists_and_is_used() {
    let all = sources("src/sim");
    for order in &ORDERS {
        let inside = |source: &Source| source.module().strip_prefix(order.module)?.first().map(|&name| name.to_owned());
        let files: BTreeSet<String> = all.iter().filter_map(inside).collect();
        let named: BTreeSet<String> = order.children.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(files, named, "the children of {:?}", order.module);
        let used: BTreeSet<_> =
            all.iter().flat_map(|source| order.edges(source)).map(|edge| (edge.from, edge.to)).collect();
        let pairs =
            order.children.iter().flat_map(|(from, to)| to.iter().map(|to| ((*from).to_owned(), (*to).to_owned())));
        assert_eq!(used, pairs.collect(), "the uses in {:?}", order.module);
    }
    let is_ordered = |source: &Source| {
        let module = source.module();
        module.len() < 3 || ORDERS.iter().any(|order| module.len() == 3 && module.starts_with(order.module))
    };
    let beyond: Vec<&String> = all.iter().filter(|source| !is_ordered(source)).map(|source| &source.path).collect();
    assert!(beyond.is_empty(), "files below a directory that has no table: {beyond:#?}");
}

#[test]
fn a_use_upwards_is_rejected_in_every_form() {
    let rejected = |path: &str, text: &str| !forbidden(&Source::new(path, text)).is_empty();
    assert!(rejected("src/sim/cache.rs", "use super::world::World;"));
    assert!(rejected("src/sim/cache.rs", "use super::World;"));
    assert!(rejected("src/sim/cache.rs", "use super::*;"));
    assert!(rejected("src/sim/cache.rs", "fn f(host: &crate::sim::Host) {}"));
    assert!(rejected("src/sim/cache.rs", "use crate::{core, sim::world::World};"));
    assert!(rejected("src/sim/cache.rs", "use crate::sim;"));
    assert!(rejected("src/sim/host/files.rs", "use super::super::application::SessionPlace;"));
    assert!(rejected("src/sim/host/state.rs", "use super::files::missing;"));
    assert!(rejected("src/sim/host/files.rs", "use super::Host;"));
    assert!(rejected("src/sim/world/calls.rs", "use crate::sim::world::{hosts::Handle, state::State};"));
    assert!(!rejected("src/sim/application/trial.rs", "use super::answer::answer; use crate::sim::host::Process;"));
    assert!(!rejected("src/sim/host/files.rs", "pub(in crate::sim) fn f() {}"));
    assert!(!rejected("src/sim/host/mod.rs", "mod files; pub(super) use files::f;"));
}
