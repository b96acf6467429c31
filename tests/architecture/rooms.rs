//! The rooms of `src/steps`: what one may use of another.

use std::collections::BTreeSet;

use crate::code::{Source, sources};
use crate::edges::{Edge, Row, edges_within, outside};

/// The rooms that every other room may use.
const SHARED: &[&str] = &["site", "targets", "account", "watch", "cohort"];

/// A room, and the rooms it may use besides itself and the ground floor. The shared rooms are in an order without a circle;
/// the others never use each other.
const ROOMS: [Row; 12] = [
    ("site", &[]),
    ("targets", &["site"]),
    ("account", &["targets"]),
    ("watch", &["site", "targets"]),
    ("cohort", &["site", "targets"]),
    ("store", SHARED),
    ("copy", SHARED),
    ("store_loss", SHARED),
    ("workers", SHARED),
    ("release", SHARED),
    ("production", SHARED),
    ("soak", SHARED),
];

/// A file of the ground floor, and the rooms it may use: the registry lists the kinds of all of them.
const GROUND_FLOOR: [Row; 2] = [("command", &["targets"]), ("command_soak", &["targets"])];

/// The files that name every room.
const ROOTS: [&str; 2] = ["mod", "registry"];

fn is_room(name: &str) -> bool {
    ROOMS.iter().any(|(room, _)| *room == name)
}

/// The rooms that a source in `src/steps` uses besides its own.
fn room_edges(source: &Source) -> BTreeSet<Edge> {
    let edges = edges_within(&["steps"], source);
    edges.into_iter().filter(|edge| is_room(&edge.to) && !ROOTS.contains(&edge.from.as_str())).collect()
}

fn forbidden(edges: impl IntoIterator<Item = Edge>) -> Vec<Edge> {
    outside(ROOMS.iter().chain(&GROUND_FLOOR), edges)
}

#[test]
fn a_room_uses_shared_rooms_only() {
    let found = forbidden(sources("src/steps").iter().flat_map(room_edges));
    assert!(found.is_empty(), "uses that the table does not allow: {found:#?}");
}

#[test]
fn every_directory_of_steps_is_in_the_table() {
    for source in sources("src/steps") {
        let module = source.module();
        if module.len() > 2 {
            assert!(is_room(module[1]), "{} is in no room of the table", source.path);
        }
    }
}

#[test]
fn uses_between_rooms_are_found() {
    let all: BTreeSet<_> = sources("src/steps").iter().flat_map(room_edges).map(|edge| (edge.from, edge.to)).collect();
    for (from, to) in [("workers", "site"), ("soak", "watch"), ("store", "account"), ("command", "targets")] {
        assert!(all.contains(&(from.to_owned(), to.to_owned())), "{from} uses {to}, and it was not found");
    }
}

#[test]
fn the_use_of_a_sibling_is_rejected_in_every_form() {
    let rejected = |path: &str, text: &str| !forbidden(room_edges(&Source::new(path, text))).is_empty();
    assert!(rejected("src/steps/soak/step.rs", "use crate::steps::workers::ramp;"));
    assert!(rejected("src/steps/soak/step.rs", "use crate::steps::{measure, workers::ramp};"));
    assert!(rejected("src/steps/soak/step.rs", "use super::super::workers::ramp;"));
    assert!(rejected("src/steps/release/switch/step.rs", "fn f() { super::super::super::copy::process::f() }"));
    assert!(rejected("src/steps/site/copy_layout.rs", "use crate::steps::targets::list;"));
    assert!(rejected("src/steps/waiting.rs", "use super::account::arn;"));
    assert!(!rejected("src/steps/soak/step.rs", "use super::kept; use crate::steps::{measure, site::copy_access};"));
    assert!(!rejected("src/steps/registry.rs", "use super::soak;"));
}
