//! The checks, on a sample that breaks every one of them. A check that cannot fail checks nothing.

use crate::code::Source;
use crate::edges::{edges, forbidden};
use crate::rules::{too_long, violations};

fn forbidden_in(path: &str, text: &str) -> Vec<(String, String)> {
    forbidden(edges(&Source::new(path, text))).into_iter().map(|edge| (edge.from, edge.to)).collect()
}

fn edge(from: &str, to: &str) -> Vec<(String, String)> {
    vec![(from.to_owned(), to.to_owned())]
}

#[test]
fn a_forbidden_edge_is_reported_however_it_is_written() {
    assert_eq!(forbidden_in("src/core/x.rs", "use crate::journal::Ledger;"), edge("core", "journal"));
    assert_eq!(forbidden_in("src/core/x.rs", "fn f() { crate::engine::run() }"), edge("core", "engine"));
    assert_eq!(
        forbidden_in("src/core/x.rs", "use crate::{\n    core::{A, B},\n    sim::World,\n};"),
        edge("core", "sim")
    );
    assert_eq!(forbidden_in("src/core/x.rs", "use super::super::ports::Clock;"), edge("core", "ports"));
    assert_eq!(
        forbidden_in("src/core/rollout/x.rs", "use super::super::super::configuration::load;"),
        edge("core", "configuration")
    );
    assert_eq!(forbidden_in("src/steps/mod.rs", "pub use super::adapters::aws;"), edge("steps", "adapters"));
    assert_eq!(forbidden_in("src/ports/x.rs", "pub(in crate::steps) fn f() {}"), edge("ports", "steps"));
}

#[test]
fn an_allowed_edge_is_not_reported() {
    assert!(forbidden_in("src/engine/x.rs", "use crate::steps::{self, Step};").is_empty());
    assert!(forbidden_in("src/core/x.rs", "// crate::journal is above us\nlet s = \"crate::journal\";").is_empty());
    assert!(forbidden_in("src/core/x.rs", "use super::Phase; /* crate::sim */").is_empty());
    assert!(forbidden_in("src/core/rollout/x.rs", "use super::super::Phase;").is_empty());
    assert!(forbidden_in("src/cli/x.rs", "use crate::adapters::aws;").is_empty());
}

fn broken(path: &str, text: &str) -> usize {
    violations(&Source::new(path, text)).len()
}

#[test]
fn every_rule_can_fail() {
    let words = [
        "openssh::Session::connect()",
        "redis::Client::open(url)",
        "use tokio_rustls::TlsConnector;",
        "use aws_sdk_ec2::Client;",
        "println!(\"\")",
        "eprintln!(\"\")",
        "print!(\"\")",
        "eprint!(\"\")",
        "dbg!(1)",
        "std::time::SystemTime::now()",
        "Instant::now()",
        "jiff::Timestamp::now()",
        "std::process::Command::new(\"ls\")",
        "ProductionAuthority(())",
        "unsafe { f() }",
        "let permit = ApplyPermit { step, run };",
        "Some(UndoPermit { step, run })",
    ];
    for text in words {
        assert_eq!(broken("src/steps/x.rs", text), 1, "{text}");
    }
    for text in ["fn f() {}", "pub struct S;", "impl S {}", "enum E {}", "trait T {}", "const C: u8 = 1;"] {
        assert_eq!(broken("src/steps/mod.rs", text), 1, "{text}");
    }
    assert!(too_long(&Source::new("src/x.rs", "\n".repeat(401))).is_some());
}

#[test]
fn what_is_allowed_is_not_reported() {
    assert_eq!(broken("src/adapters/aws/x.rs", "use aws_sdk_ec2::Client; let now = Instant::now();"), 0);
    assert_eq!(broken("src/cli/wiring.rs", "crate::adapters::redis::connect(); \"println!\""), 0);
    assert_eq!(broken("src/steps/x.rs", "fn permit() -> ApplyPermit { todo }\nlet aws_name = 1;"), 0);
    assert_eq!(broken("src/journal/lock.rs", "jiff::Timestamp::now()"), 0);
    assert_eq!(broken("src/steps/mod.rs", "mod a;\npub use a::{A, B};\n// fn\n"), 0);
    assert!(too_long(&Source::new("src/x.rs", "\n".repeat(400))).is_none());
}

#[test]
fn literals_and_comments_are_not_code() {
    let text = "let a = 'x'; fn f<'a>() {} let q = '\"'; let s = \"say \\\" println!\"; let r = r#\"print!\"#; // dbg!";
    let source = Source::new("src/core/x.rs", text);
    assert!(violations(&source).is_empty(), "{}", source.code);
    assert!(source.code.contains("fn f<'a>() {}"), "{}", source.code);
    assert_eq!(source.text.lines().count(), source.code.lines().count());
}
