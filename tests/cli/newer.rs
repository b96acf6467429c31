//! A journal that a newer `migrate` wrote.

use serde_json::Value;

use crate::site::{Site, snapshot};

/// A site whose journal ends with a line that only a newer `migrate` understands.
pub fn newer_journal() -> Site {
    let site = Site::new();
    site.migrate(&["approve", "1", "--reason", "x"]).expect(0);
    let before = site.read(".migrate/journal.jsonl");
    let last: Value = serde_json::from_str(before.lines().last().unwrap()).unwrap();
    let count = before.lines().count() + 1;
    let record = format!("{{\"version\":99,\"sequence\":{count},\"something\":\"new\"}}");
    let link = migrate::core::Digest::of(format!("{}{record}", last["hash"].as_str().unwrap()).as_bytes());
    site.write(".migrate/journal.jsonl", &format!("{before}{{\"hash\":\"{link}\",\"record\":{record}}}\n"));
    site
}

#[test]
fn it_is_read_and_never_written() {
    let site = newer_journal();
    let journal = site.read(".migrate/journal.jsonl");
    snapshot!("status_of_a_newer_journal", site.migrate(&["status"]).expect(0).transcript_of_now());
    site.migrate(&["approve", "1", "--reason", "x"]).expect(1);
    assert_eq!(site.read(".migrate/journal.jsonl"), journal);
}
