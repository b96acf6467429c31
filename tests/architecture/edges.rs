//! The table of who may use whom, and the edges that the sources really have.

use std::collections::BTreeSet;

use crate::code::{Source, is_name, sources};

/// A module, and the modules it may name besides itself. `cli` may name anything.
const TABLE: [Row; 11] = [
    ("core", &[]),
    ("evidence", &["core"]),
    ("configuration", &["core"]),
    ("ports", &["core", "evidence"]),
    ("journal", &["core", "ports"]),
    ("steps", &["core", "ports", "evidence"]),
    ("engine", &["core", "ports", "steps", "journal", "evidence"]),
    ("adapters", &["core", "ports", "evidence"]),
    ("sim", &["core", "ports", "journal", "evidence"]),
    ("report", &["core", "configuration", "ports"]),
    ("cli", &["core", "evidence", "configuration", "ports", "journal", "steps", "engine", "adapters", "sim", "report"]),
];

/// A use of one top-level module by another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who.
    pub from: String,
    /// Whom.
    pub to: String,
    /// Where it stands: path and line.
    pub place: String,
}

fn is_module(name: &str) -> bool {
    TABLE.iter().any(|(module, _)| *module == name)
}

/// Every edge of a source to another top-level module.
pub fn edges(source: &Source) -> BTreeSet<Edge> {
    let module = source.module();
    let Some(from) = module.first() else { return BTreeSet::new() };
    let rooted = source.occurrences("crate").map(|at| (at, at + "crate".len()));
    let climbing = source.occurrences("super").filter_map(|at| climb(source, at, module.len()).map(|end| (at, end)));
    let mut edges = BTreeSet::new();
    for (at, end) in rooted.chain(climbing) {
        for name in names_after(&source.code[end..]) {
            if is_module(&name) && name != *from {
                let place = format!("{}:{}", source.path, source.line(at));
                edges.insert(Edge { from: (*from).to_owned(), to: name, place });
            }
        }
    }
    edges
}

/// Where a chain of `super::` ends when it climbs at least `depth` modules.
pub fn climb(source: &Source, at: usize, depth: usize) -> Option<usize> {
    if source.code[..at].trim_end().ends_with("super::") {
        return None;
    }
    let mut end = at + "super".len();
    let mut climbed = 1;
    while let Some(after) = source.code[end..].strip_prefix("::super") {
        climbed += 1;
        end = source.code.len() - after.len();
    }
    (climbed >= depth).then_some(end)
}

/// The first names after `::`, one or, of a group, several.
pub fn names_after(code: &str) -> Vec<String> {
    let Some(path) = code.strip_prefix("::") else { return Vec::new() };
    let Some(group) = path.strip_prefix('{') else { return vec![path.chars().take_while(|c| is_name(*c)).collect()] };
    let mut names = Vec::new();
    let (mut depth, mut is_first, mut name) = (0, true, String::new());
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(std::mem::take(&mut name));
                is_first = true;
            }
            character if depth == 0 && is_first && is_name(character) => name.push(character),
            character if depth == 0 && !character.is_whitespace() => is_first = false,
            _ => {}
        }
    }
    names.push(name);
    names
}

/// Every use of another part of the module `base` by a source in it: `from` and `to` are its children.
pub fn edges_within(base: &[&str], source: &Source) -> BTreeSet<Edge> {
    let module = source.module();
    let Some(inside) = module.strip_prefix(base) else { return BTreeSet::new() };
    let from = inside.first().copied().unwrap_or("mod");
    let prefix = format!("crate::{}", base.join("::"));
    let rooted = source
        .occurrences("crate")
        .filter_map(|at| source.code[at..].starts_with(&prefix).then_some((at, at + prefix.len())));
    let climbing = source.occurrences("super").filter_map(|at| climb(source, at, inside.len()).map(|end| (at, end)));
    let mut edges = BTreeSet::new();
    for (at, end) in rooted.chain(climbing) {
        for to in names_after(&source.code[end..]).into_iter().filter(|name| name != from) {
            edges.insert(Edge { from: from.to_owned(), to, place: format!("{}:{}", source.path, source.line(at)) });
        }
    }
    edges
}

/// A module, or a part of one, and the others that it may use.
pub type Row = (&'static str, &'static [&'static str]);

/// The edges that are not in a table.
pub fn outside<'a>(rows: impl IntoIterator<Item = &'a Row>, edges: impl IntoIterator<Item = Edge>) -> Vec<Edge> {
    let rows: Vec<&Row> = rows.into_iter().collect();
    let allowed = |edge: &Edge| rows.iter().any(|(from, to)| *from == edge.from && to.contains(&edge.to.as_str()));
    edges.into_iter().filter(|edge| !allowed(edge)).collect()
}

/// Fails when a row uses one that is not above it: a table in which all do so has no circle.
pub fn assert_ordered(rows: &[Row]) {
    for (position, (from, to)) in rows.iter().enumerate() {
        let is_above = |name: &&str| rows[..position].iter().any(|(above, _)| above == name);
        assert!(to.iter().all(is_above), "{from} uses one that is not above it in its table");
    }
}

/// The edges between modules that the table does not have.
pub fn forbidden(edges: impl IntoIterator<Item = Edge>) -> Vec<Edge> {
    outside(&TABLE, edges)
}

#[test]
fn modules_use_only_whom_they_may() {
    let found = forbidden(sources("src").iter().flat_map(edges));
    assert!(found.is_empty(), "edges that the table does not know: {found:#?}");
}

#[test]
fn every_module_is_in_the_table() {
    for source in sources("src") {
        let known = source.module().first().is_none_or(|module| is_module(module));
        assert!(known, "{} is in no module of the table", source.path);
    }
}

#[test]
fn the_edges_are_really_read() {
    let all: BTreeSet<(String, String)> =
        sources("src").iter().flat_map(edges).map(|edge| (edge.from, edge.to)).collect();
    for (from, to) in [("journal", "core"), ("engine", "steps"), ("steps", "ports"), ("sim", "ports")] {
        assert!(all.contains(&(from.to_owned(), to.to_owned())), "{from} uses {to}, and nobody noticed");
    }
}
