//! What may be named where.

use crate::code::{Source, product, sources};

/// A word that may stand only in some places.
struct Rule {
    word: &'static str,
    /// Beginnings of paths.
    only_in: &'static [&'static str],
    why: &'static str,
}

const ADAPTERS: &[&str] = &["src/adapters/"];
const CLOCKS: &[&str] = &["src/adapters/", "src/cli/", "src/journal/lock.rs", "src/report/line.rs"];

const RULES: [Rule; 16] = [
    Rule { word: "openssh::", only_in: ADAPTERS, why: "an SDK is named only in an adapter" },
    Rule { word: "redis::", only_in: ADAPTERS, why: "an SDK is named only in an adapter" },
    Rule { word: "tokio_rustls", only_in: ADAPTERS, why: "an SDK is named only in an adapter" },
    Rule { word: "println!", only_in: &[], why: "the printer writes" },
    Rule { word: "eprintln!", only_in: &[], why: "the printer writes" },
    Rule { word: "print!", only_in: &[], why: "the printer writes" },
    Rule { word: "eprint!", only_in: &[], why: "the printer writes" },
    Rule { word: "dbg!", only_in: &[], why: "the printer writes" },
    Rule { word: "SystemTime::now", only_in: CLOCKS, why: "time comes through the clock" },
    Rule { word: "Instant::now", only_in: CLOCKS, why: "time comes through the clock" },
    Rule { word: "Timestamp::now", only_in: CLOCKS, why: "time comes through the clock" },
    Rule { word: "process::Command", only_in: ADAPTERS, why: "a process is started only by an adapter" },
    Rule { word: "ProductionAuthority(", only_in: &["src/core/"], why: "only the core grants production" },
    Rule { word: "Fact::new", only_in: &["src/core/", "src/steps/facts.rs"], why: "facts are in one file" },
    Rule { word: "statistics::", only_in: &["src/evidence/"], why: "evidence is the way to the statistics" },
    Rule { word: "unsafe", only_in: &[], why: "nothing here needs it" },
];

/// Types whose values only the core makes.
const PERMITS: [&str; 2] = ["ApplyPermit", "UndoPermit"];

/// The most lines a file may have.
const LINES: usize = 400;

/// Everything a source does that it must not.
pub fn violations(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for rule in &RULES {
        if rule.only_in.iter().any(|beginning| source.path.starts_with(beginning)) {
            continue;
        }
        // `adapters::redis::X` is a module of ours.
        let of_others = |at: &usize| !rule.word.ends_with("::") || !source.code[..*at].ends_with("::");
        found.extend(
            source
                .occurrences(rule.word)
                .filter(of_others)
                .map(|at| format!("{}:{}: `{}`: {}", source.path, source.line(at), rule.word, rule.why)),
        );
    }
    if !source.path.starts_with("src/adapters/") {
        let names =
            source.code.match_indices("aws_").filter(|(at, _)| !source.code[..*at].ends_with(crate::code::is_name));
        let crates = names.filter(|(at, _)| source.code[*at..].split("::").next().is_some_and(is_word));
        found.extend(crates.filter(|(at, _)| source.code[*at..].contains("::")).filter_map(|(at, _)| {
            let word: String = source.code[at..].chars().take_while(|c| crate::code::is_name(*c)).collect();
            source.code[at + word.len()..]
                .starts_with("::")
                .then(|| format!("{}:{}: `{word}`: an SDK is named only in an adapter", source.path, source.line(at)))
        }));
    }
    if !source.path.starts_with("src/core/") {
        for permit in PERMITS {
            let made = source.occurrences(permit).filter(|at| {
                let before = source.code[..*at].trim_end();
                source.code[at + permit.len()..].trim_start().starts_with('{') && !before.ends_with("->")
            });
            found.extend(made.map(|at| format!("{}:{}: `{permit}` is made", source.path, source.line(at))));
        }
    }
    if source.path.ends_with("/mod.rs") {
        for word in ["fn", "struct", "enum", "trait", "impl", "const", "static", "macro_rules!"] {
            let at = source.occurrences(word).next();
            found.extend(
                at.map(|at| format!("{}:{}: `{word}`: mod.rs only names its parts", source.path, source.line(at))),
            );
        }
    }
    found
}

fn is_word(text: &str) -> bool {
    text.chars().all(crate::code::is_name)
}

/// Files with more than one idea.
pub fn too_long(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    (lines > LINES).then(|| format!("{} has {lines} lines: more than one idea?", source.path))
}

#[test]
fn what_is_named_is_named_where_it_may_be() {
    let found: Vec<String> = product().iter().flat_map(violations).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_file_has_more_than_one_idea() {
    let all = product().into_iter().chain(sources("tests")).chain(sources("build"));
    let found: Vec<String> = all.filter_map(|source| too_long(&source)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_place_of_a_rule_exists() {
    let all = sources("src");
    for place in RULES.iter().flat_map(|rule| rule.only_in) {
        assert!(all.iter().any(|source| source.path.starts_with(place)), "{place} is in a rule and not in the tree");
    }
}
