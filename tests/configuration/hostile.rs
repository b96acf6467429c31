//! Files made to hurt: refused within a second and within bounds.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use migrate::configuration::{Diagnostic, LoadOptions, load};

use crate::catalog::TestCatalog;
use crate::support::{codes, found, load_rollout};

const LIMIT: Duration = Duration::from_secs(1);
const MEBIBYTE: usize = 1 << 20;

/// Refused with these codes, in time, and with an answer that is no attack itself.
fn refused(bytes: impl Into<Vec<u8>>) -> Vec<&'static str> {
    let bytes = bytes.into();
    let begin = busy();
    let found = found(load_rollout(bytes));
    let taken = busy().saturating_sub(begin);
    assert!(taken < LIMIT, "took {taken:?}");
    bounded(&found);
    codes(&found)
}

/// How long this thread has had a processor: what other tests and other programs do at the same time does not count.
/// Where the system does not say, the time of day.
fn busy() -> Duration {
    static BEGIN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = said.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

fn refused_path(path: PathBuf) -> Vec<&'static str> {
    let begin = Instant::now();
    let found = load(&LoadOptions { rollout: path, phases: None }, &TestCatalog).expect_err("refused").into_vec();
    assert!(begin.elapsed() < LIMIT, "took {:?}", begin.elapsed());
    bounded(&found);
    codes(&found)
}

fn bounded(found: &[Diagnostic]) {
    assert!((1..=151).contains(&found.len()), "{} mistakes", found.len());
    let message: usize = found.iter().map(|item| item.message.len()).sum();
    assert!(message < 64 << 10, "{message} bytes of messages");
}

#[test]
fn the_clock_of_these_tests_runs() {
    let (begin, wall) = (busy(), Instant::now());
    while wall.elapsed() < Duration::from_millis(100) {}
    assert!(busy() > begin);
}

#[test]
fn billion_laughs() {
    let mut text = String::from("a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (this, last) in ('b'..='j').zip('a'..) {
        text.push_str(&format!("{this}: &{this} [*{last}, *{last}, *{last}, *{last}, *{last}, *{last}, *{last}]\n"));
    }
    assert!(refused(text).iter().all(|code| *code == "yaml/alias"));
}

#[test]
fn an_alias_to_itself() {
    assert!(refused("a: &a [*a]\n").contains(&"yaml/alias"));
}

#[test]
fn deep_nesting() {
    assert_eq!(refused("[".repeat(MEBIBYTE - 1)), ["yaml/too-deep"]);
    assert_eq!(refused("{a: ".repeat(200_000)), ["yaml/too-deep"]);
    assert_eq!(refused("- ".repeat(500_000)), ["yaml/too-deep"]);
    let steps: String = (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_eq!(refused(steps), ["yaml/too-deep"]);
}

#[test]
fn many_values() {
    assert_eq!(refused("-\n".repeat(500_000)), ["yaml/too-long"]);
    let keys: String = (0..60_000).map(|number| format!("k{number}: {number}\n")).collect();
    assert_eq!(refused(keys), ["yaml/too-long"]);
    let keys: String = (0..9_000).map(|number| format!("worker_count{number}: {number}\n")).collect();
    assert!(refused(keys).contains(&"grammar/unknown-key"));
}

#[test]
fn many_mistakes_on_one_long_line() {
    let keys: Vec<String> = (0..9_000).map(|number| format!("k{number}: {number}")).collect();
    assert!(refused(format!("{{{}}}", keys.join(", "))).contains(&"grammar/unknown-key"));
    let same = "a: 1, ".repeat(9_000);
    assert!(refused(format!("{{{same}}}")).contains(&"yaml/duplicate-key"));
}

#[test]
fn one_long_value() {
    let text = format!("version: 1\nname: {}\n", "a".repeat(900_000));
    assert!(refused(text).contains(&"grammar/missing-key"));
    let text = format!("version: 1\n\"{}\": 1\n", "a".repeat(900_000));
    assert!(refused(text).contains(&"yaml/syntax"));
}

/// Mistakes of meaning, thousands of them on one long line, beside one of form.
#[test]
fn many_mistakes_of_meaning() {
    let rollout = |section: &str| {
        let text =
            crate::support::text_of("tests/configuration/valid/minimal.yaml").replace("workers: 2", "workers: two");
        let key = section.split(':').next().expect("a key");
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with(key)).collect();
        lines.push(section);
        lines.join("\n")
    };
    let counts = "2, ".repeat(9_000);
    assert!(refused(rollout(&format!("worker_counts: [{counts}]"))).contains(&"rollout/worker-counts"));
    let target = "{ name: staging, host: 18.117.115.217, instance: i }, ".repeat(2_800);
    let text =
        crate::support::text_of("tests/configuration/valid/minimal.yaml").replace("replicas: 1", "replicas: one");
    let cut = text.find("  targets:").expect("the targets")..text.find("cache:").expect("the cache");
    let mut many = text.clone();
    many.replace_range(cut, &format!("  targets: [{target}]\n"));
    assert!(refused(many).contains(&"rollout/reserved-name"));
    let hosts: String = (0..9_000).map(|number| format!("h{number}, h{number}, ")).collect();
    let hosts = text.replace("[operator]", &format!("[{hosts}]"));
    assert!(refused(hosts).contains(&"rollout/refused-twice"));
    let texts = text.replace("[flask,", &format!("[{} flask,", "\"${\", ".repeat(15_000)));
    assert!(refused(texts).contains(&"rollout/expansion"));
    let names: String = (0..4_000).map(|number| format!("n{number}: {{ cookie: c }}, ")).collect();
    let uses = "{ get: \"${nothing}\" }, ".repeat(60);
    let journey = format!("journeys: [{{ name: a, requests: [{{ get: /, extract: {{ {names} }} }}, {uses} ] }}]");
    assert!(refused(rollout(&journey)).contains(&"journeys/unknown-variable"));
    let headers: String = (0..9_000).map(|number| format!("\"h {number}\": x, ")).collect();
    let journey = format!("journeys: [{{ name: a, requests: [{{ get: /, headers: {{ {headers} }} }}] }}]");
    assert!(refused(rollout(&journey)).contains(&"journeys/header"));
    let journeys = "{ name: a, requests: [{ get: / }] }, ".repeat(2_000);
    assert!(refused(rollout(&format!("journeys: [{journeys}]"))).contains(&"journeys/duplicate-name"));
}

#[test]
fn text_that_is_not_text() {
    assert_eq!(refused(""), ["file/empty"]);
    assert_eq!(refused("# nothing\n\n"), ["file/empty"]);
    assert_eq!(refused(b"\x7fELF\x02\x01\x01\0\0\0".to_vec()), ["file/binary"]);
    assert_eq!(refused(b"version: 1\nname: \xe9t\xe9\n".to_vec()), ["file/not-utf8"]);
    assert_eq!(refused(b"\xff\xfev\0e\0r\0".to_vec()), ["file/not-utf8"]);
    assert_eq!(refused(b"\xef\xbb\xbfversion: 1\n".to_vec()), ["file/byte-order-mark"]);
    assert_eq!(refused("version: 1\nname: \u{1b}[2Jx\n"), ["file/binary"]);
}

#[test]
fn yaml_that_is_something_else() {
    assert_eq!(refused("application:\n\tname: x\n"), ["yaml/tab"]);
    assert_eq!(refused("version: 1\n---\nversion: 1\n"), ["yaml/several-documents"]);
    assert_eq!(refused("%YAML 1.1\n---\nversion: 1\n"), ["yaml/syntax"]);
    let keys = refused("1: a\n[a]: b\n{a: b}: c\n2.5: d\ntrue: e\n");
    assert_eq!(keys.iter().filter(|code| **code == "yaml/key-not-text").count(), 5);
    assert_eq!(refused("just words\n"), ["grammar/wrong-type"]);
    assert_eq!(refused("- a\n- b\n"), ["grammar/wrong-type"]);
    assert_eq!(refused("---\n"), ["grammar/missing-value"]);
    assert_eq!(refused("name: {a: b\n"), ["yaml/syntax"]);
    assert_eq!(refused("!!python/object:os.system x\n"), ["yaml/tag"]);
}

#[test]
fn paths_that_are_not_files() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(refused_path(directory.path().to_owned()), ["file/not-a-file"]);
    assert_eq!(refused_path("/dev/zero".into()), ["file/not-a-file"]);
    assert_eq!(refused_path("/nonexistent/rollout.yaml".into()), ["file/unreadable"]);
    let pipe = directory.path().join("pipe");
    let made = make_fifo(&pipe);
    assert!(made, "mkfifo");
    assert_eq!(refused_path(pipe), ["file/not-a-file"]);
}

#[allow(clippy::disallowed_methods, clippy::disallowed_types)]
fn make_fifo(path: &std::path::Path) -> bool {
    std::process::Command::new("mkfifo").arg(path).status().is_ok_and(|status| status.success())
}

#[test]
fn a_hundred_megabytes_are_not_read() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.as_file().set_len(100 * MEBIBYTE as u64).expect("a sparse file");
    assert_eq!(refused_path(file.path().to_owned()), ["file/too-large"]);
    // A file of the kernel says it is empty and is not.
    assert!(!refused_path("/proc/self/maps".into()).is_empty());
}
