//! Every dependency in a Cargo.toml is used.

use crate::code::{Source, is_name, sources};

/// A dependency that no source names, and why it is there.
const ONLY_FOR_A_FEATURE: [(&str, &str); 0] = [];

/// A dependency in a Cargo.toml: the section without `target.*.`, and the name that sources use.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dependency {
    section: String,
    name: String,
    /// Whether its version is in `[workspace.dependencies]`.
    is_from_workspace: bool,
}

/// The dependencies of a Cargo.toml. A renamed one (`package = `) has the name that sources use. Reads the forms that cargo
/// accepts on one line, and tables of their own (`[dependencies.name]`).
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut section = String::new();
    let mut depth = 0;
    for line in manifest.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        let is_inside = depth > 0;
        depth += brackets(line);
        if let Some(header) = line.strip_prefix('[').filter(|_| !is_inside) {
            section = section_of(header.trim_end_matches(']'));
            if let Some((table, name)) = section.clone().rsplit_once('.').filter(|(table, _)| is_dependencies(table)) {
                found.push(Dependency { section: table.to_owned(), name: name.to_owned(), is_from_workspace: false });
            }
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !is_inside) {
            let key = key.trim().replace('"', "");
            let (name, inner) = key.split_once('.').unwrap_or((&key, ""));
            let is_from_workspace = inner == "workspace" || value.replace(' ', "").contains("workspace=true");
            if is_dependencies(&section) {
                found.push(Dependency { section: section.clone(), name: name.to_owned(), is_from_workspace });
            } else if let Some(table) =
                found.last_mut().filter(|last| section == format!("{}.{}", last.section, last.name))
            {
                table.is_from_workspace |= key == "workspace" && value.trim() == "true";
            }
        }
    }
    found
}

/// How many more brackets a line opens than it closes.
fn brackets(line: &str) -> i32 {
    line.chars()
        .map(|one| match one {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        })
        .sum()
}

/// `target.'cfg(unix)'.dependencies` is `dependencies`.
fn section_of(header: &str) -> String {
    match header.strip_prefix("target.").and_then(|rest| rest.find("dependencies").map(|at| (rest, at))) {
        Some((rest, at)) => rest[rest[..at].rfind('.').map_or(at, |dot| dot + 1)..].to_owned(),
        None => header.to_owned(),
    }
}

fn is_dependencies(section: &str) -> bool {
    matches!(section, "dependencies" | "dev-dependencies" | "build-dependencies" | "workspace.dependencies")
}

/// Whether a source names a crate: `name::`, `use name;`, `use name as`, `extern crate name`.
fn names(source: &Source, dependency: &str) -> bool {
    let name = dependency.replace('-', "_");
    source.occurrences(&name).any(|at| {
        let before = source.code[..at].trim_end();
        let after = source.code[at + name.len()..].trim_start();
        let is_path = after.starts_with("::");
        let is_imported = ["use", "extern crate"]
            .iter()
            .any(|word| before.ends_with(word) && (after.starts_with(';') || after.starts_with("as ") || is_path));
        // `adapters::redis::X` is a module of ours; `::redis::X` is the crate.
        let is_first = match before.strip_suffix("::") {
            None => true,
            Some(front) => !front.ends_with(|last: char| is_name(last) || last == '>'),
        };
        is_imported || (is_path && is_first)
    })
}

/// The dependencies of a package that no source names: the ordinary ones are for what is shipped, the others for tests and
/// benchmarks, too.
fn unused(manifest: &str, shipped: &[Source], tests: &[Source]) -> Vec<String> {
    let without_tests: Vec<Source> = shipped.iter().map(Source::without_tests).collect();
    let is_used = |dependency: &Dependency| match dependency.section.as_str() {
        "dependencies" => without_tests.iter().any(|source| names(source, &dependency.name)),
        // Its sources are build.rs, which neither package has; the workspace's have their own check.
        "build-dependencies" => false,
        "workspace.dependencies" => true,
        _ => shipped.iter().chain(tests).any(|source| names(source, &dependency.name)),
    };
    let is_excused = |dependency: &Dependency| ONLY_FOR_A_FEATURE.iter().any(|(name, _)| *name == dependency.name);
    let listed =
        dependencies(manifest).into_iter().filter(|dependency| !is_used(dependency) && !is_excused(dependency));
    listed.map(|dependency| format!("[{}] {}", dependency.section, dependency.name)).collect()
}

/// The dependencies of the workspace that no package takes from there.
fn untaken(workspace: &str, packages: &[&str]) -> Vec<String> {
    let taken: Vec<Dependency> = packages.iter().flat_map(|manifest| dependencies(manifest)).collect();
    let listed =
        dependencies(workspace).into_iter().filter(|dependency| dependency.section == "workspace.dependencies");
    let names = listed.map(|dependency| dependency.name);
    names.filter(|name| !taken.iter().any(|other| other.is_from_workspace && other.name == *name)).collect()
}

fn manifest(path: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_dependency_is_used_by_its_package() {
    let tests: Vec<Source> = ["tests", "benches"].into_iter().flat_map(sources).collect();
    assert_eq!(unused(&manifest("Cargo.toml"), &sources("src"), &tests), [""; 0], "remove it, or say why it is needed");
    let statistics = manifest("statistics/Cargo.toml");
    assert_eq!(unused(&statistics, &sources("statistics/src"), &[]), [""; 0], "remove it, or say why it is needed");
}

#[test]
fn every_dependency_of_the_workspace_is_taken_by_a_package() {
    let (root, statistics) = (manifest("Cargo.toml"), manifest("statistics/Cargo.toml"));
    assert_eq!(untaken(&root, &[&root, &statistics]), [""; 0]);
}

#[test]
fn every_excused_dependency_is_there() {
    let all = [manifest("Cargo.toml"), manifest("statistics/Cargo.toml")];
    let all: Vec<Dependency> = all.iter().flat_map(|manifest| dependencies(manifest)).collect();
    for (name, why) in ONLY_FOR_A_FEATURE {
        assert!(
            !why.is_empty() && all.iter().any(|dependency| dependency.name == name),
            "{name} is excused and not there"
        );
    }
}

const SAMPLE: &str = r#"
[workspace.dependencies]
taken = "1"
left-over = { version = "1", features = ["a"] }

[package]
name = "sample"

[dependencies]
# commented = "1"
taken.workspace = true
two-words = { version = "1", optional = true }
renamed = { package = "original", version = "2" }
of-several-lines = { version = "1", features = [
  "not-a-dependency",
] }

[target.'cfg(unix)'.dependencies]
for-unix = "1"

[dependencies.own-table]
version = "1"
features = ["rc"]

[dev-dependencies]
for-tests = "1"

[lints]
workspace = true
"#;

#[test]
fn every_form_of_a_dependency_is_read() {
    let names: Vec<String> =
        dependencies(SAMPLE).into_iter().map(|one| format!("{} {}", one.section, one.name)).collect();
    assert_eq!(
        names,
        [
            "workspace.dependencies taken",
            "workspace.dependencies left-over",
            "dependencies taken",
            "dependencies two-words",
            "dependencies renamed",
            "dependencies of-several-lines",
            "dependencies for-unix",
            "dependencies own-table",
            "dev-dependencies for-tests",
        ]
    );
    assert_eq!(untaken(SAMPLE, &[SAMPLE]), ["left-over"]);
}

#[test]
fn an_unused_dependency_is_found_in_every_section() {
    let shipped = "use taken; use two_words::A; fn f() { renamed::g(::of_several_lines::h()) } for_unix::m!();
        #[derive(own_table::D)] struct S;";
    let unused_with = |shipped: &str, tests: &str| {
        unused(SAMPLE, &[Source::new("src/x.rs", shipped)], &[Source::new("tests/x.rs", tests)])
    };
    assert_eq!(unused_with(shipped, "for_tests::check()"), [""; 0]);
    assert_eq!(unused_with(shipped, ""), ["[dev-dependencies] for-tests"]);
    for (used, name) in [
        ("use taken;", "taken"),
        ("use two_words::A;", "two-words"),
        ("renamed::g", "renamed"),
        ("::of_several_lines::h", "of-several-lines"),
        ("for_unix::m!", "for-unix"),
        ("own_table::D", "own-table"),
    ] {
        // A comment, a module of ours, a longer name and a test are not a use of what is shipped.
        let word = name.replace('-', "_");
        let other = format!(
            "{} // {word}::x\nuse crate::{word}::Y; fn g() {{ my_{word}::z() }}\n#[cfg(test)]\nmod tests {{ use {word}::T; }}",
            shipped.replace(used, "x")
        );
        assert_eq!(unused_with(&other, "for_tests::check()"), [format!("[dependencies] {name}")]);
    }
}
