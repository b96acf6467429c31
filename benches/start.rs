//! How long an operator waits for `migrate check` and for `migrate status` on a long journal, and how much memory that
//! takes. `cargo bench --no-default-features --bench start`; exits 1 when a promise of docs/benchmarks.md is broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may panic, start processes and look at the clock"
)]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use migrate::core::{Contract, Digest, Event, Facts, Holder, Phase, PlanDigest, RunId, StepId};
use migrate::journal::{Ledger, MemoryJournal};
use migrate::ports::{Clock, EventSink};

const EVENTS: usize = 100_000;
const RUNS: usize = 9;

struct Now;

#[async_trait::async_trait]
impl Clock for Now {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    async fn sleep(&self, _: Duration) {}
}

struct Nobody;

impl EventSink for Nobody {
    fn recorded(&self, _: jiff::Timestamp, _: &Event) {}
}

/// A journal as long soaks make them: two steps, and observation after observation.
fn long_journal() -> Vec<u8> {
    let store = MemoryJournal::default();
    let holder = Holder::new("bench");
    let mut ledger = Ledger::open(Box::new(store.clone()), Arc::new(Now), Arc::new(Nobody), holder, "bench").unwrap();
    let plan = PlanDigest(Digest::of(b"bench"));
    let run = RunId::new("bench");
    ledger.append(Event::RunOpened { run, rollout: "bench".into(), plan }).unwrap();
    let (observe, soak) = (StepId::new("0.observe"), StepId::new("0.soak"));
    let steps = vec![observe.clone(), soak.clone()];
    ledger.append(Event::PhaseStarted { phase: Phase::Preflight, steps }).unwrap();
    ledger.start_step(&observe, Phase::Preflight, Contract::Observe).unwrap();
    let facts = Facts::new().with("cluster.endpoint", "a.b.c:6379");
    ledger.append(Event::StepSucceeded { step: observe, facts, evidence: Vec::new() }).unwrap();
    ledger.start_step(&soak, Phase::Preflight, Contract::Soak { seconds: 86_400 }).unwrap();
    for _ in 0..EVENTS - 6 {
        ledger.append(Event::SoakObserved { step: soak.clone(), seconds: 1, window: None }).unwrap();
    }
    store.bytes()
}

/// Runs the program once: how long, and its peak resident memory in KiB as /proc last showed it.
fn once(directory: &Path, arguments: &[&str]) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_migrate"))
        .args(arguments)
        .current_dir(directory)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Some(line) = std::fs::read_to_string(&status)
            .ok()
            .and_then(|text| text.lines().find(|line| line.starts_with("VmHWM")).map(str::to_owned))
        {
            peak = peak.max(line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0));
        }
        if let Some(exit) = child.try_wait().unwrap() {
            assert!(exit.success(), "{arguments:?}: {exit}");
            return (began.elapsed(), peak);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn median(directory: &Path, arguments: &[&str]) -> (Duration, u64) {
    let mut runs: Vec<(Duration, u64)> = (0..RUNS).map(|_| once(directory, arguments)).collect();
    runs.sort();
    let peak = runs.iter().map(|(_, peak)| *peak).max().unwrap_or(0);
    (runs[RUNS / 2].0, peak)
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join(".migrate")).unwrap();
    std::fs::write(directory.path().join(".migrate/journal.jsonl"), long_journal()).unwrap();

    let (check, _) = median(root, &["check"]);
    let (status, memory) = median(directory.path(), &["status"]);
    let mut holds = true;
    let mut promise = |what: &str, found: String, kept: bool| {
        holds &= kept;
        eprintln!("{what:<48} {found:>12}  {}", if kept { "kept" } else { "BROKEN" });
    };
    promise("check of the root rollout.yaml, under 50 ms", format!("{check:.1?}"), check < Duration::from_millis(50));
    promise("status on 100,000 events, under 300 ms", format!("{status:.1?}"), status < Duration::from_millis(300));
    promise("its peak memory, under 128 MiB", format!("{} MiB", memory / 1024), memory < 128 * 1024);
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
