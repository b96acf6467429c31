//! `migrate`, as somebody uses it who deploys with it.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use migrate::adapters::SystemClock;
use migrate::configuration::{LoadOptions, load};
use migrate::core::{ChecklistItem, Digest, Event, EvidenceRef, Facts, Holder, Phase, Verdict};
use migrate::journal::{Ledger, StateDirectory};
use migrate::ports::{Clock, EventSink};
use migrate::steps::BuiltInKinds;

use super::processes::Process;
use super::site::Site;

pub const BINARY: &str = env!("CARGO_BIN_EXE_migrate");

struct Nobody;

impl EventSink for Nobody {
    fn recorded(&self, _: jiff::Timestamp, _: &Event) {}
}

pub struct Operator<'a> {
    site: &'a Site,
    phases: PathBuf,
}

impl<'a> Operator<'a> {
    /// With the benchmark's rollout.yaml, after `adapt`, for the site's hosts.
    pub fn new(site: &'a Site, phases: PathBuf, adapt: impl FnOnce(String) -> String) -> Self {
        let text = include_str!("rollout.yaml");
        let begin = text.find("    - { name: host-1,").unwrap();
        let mut text = adapt(text[..begin].to_owned());
        for host in &site.hosts {
            writeln!(text, "    - {{ name: {host}, host: {host}, instance: {host} }}").unwrap();
        }
        fs::write(site.path("rollout.yaml"), text).unwrap();
        Self { site, phases }
    }

    /// Starts it with these words.
    pub fn start(&self, words: &[&str]) -> Process {
        let mut command = Command::new(BINARY);
        command.args(words).arg("--phases").arg(&self.phases).current_dir(self.site.path(""));
        // Its control sockets go with the benchmark, whatever happens to it.
        command.env("XDG_RUNTIME_DIR", self.site.sockets()).env("NO_COLOR", "1");
        for name in ["MIGRATE_ROLLOUT", "MIGRATE_PHASES", "MIGRATE_STATE", "GITHUB_ACTIONS"] {
            command.env_remove(name);
        }
        Process::start(&mut command, &self.site.path("migrate.log"))
    }

    /// Runs it to its end, which has to be good; how long it took.
    pub fn run(&self, words: &[&str]) -> Duration {
        let began = Instant::now();
        let status = self.start(words).wait();
        let took = began.elapsed();
        assert!(status.success(), "migrate {words:?}: {status}\n{}", self.last_words());
        took
    }

    /// The end of what it said.
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(self.site.path("migrate.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Preflight and the phases on staging.
    pub fn walk_to_production(&self) {
        for phase in [Phase::Infrastructure, Phase::StagingCopy, Phase::WorkerTuning] {
            self.run(&["phase", &phase.number().to_string()]);
            self.prove(phase);
        }
    }

    pub fn approve(&self) {
        self.run(&["approve", "4", "--reason", "benchmark", "--for", "1h"]);
    }

    /// Takes the deployment back, which ends the approval, too.
    pub fn roll_back(&self) {
        self.run(&["rollback", "--to", "3"]);
    }

    /// Phase 4 asks for measurements that only the steps of the real procedure make, with AWS, a store and a load. They
    /// are not what is measured here: each phase on staging is journalled as walked once more, with those measurements.
    fn prove(&self, phase: Phase) {
        let rollout = self.site.path("rollout.yaml");
        let plan = load(&LoadOptions { rollout, phases: Some(self.phases.clone()) }, &BuiltInKinds).unwrap().plan;
        let clock = Arc::new(SystemClock::new());
        let (holder, now) = (Holder::new("benchmark"), clock.now());
        let directory = StateDirectory::new(self.site.path(".migrate"));
        let store = directory.open_journal(holder.clone(), "benchmark", now).unwrap();
        let mut ledger = Ledger::open(Box::new(store), clock, Arc::new(Nobody), holder, "benchmark").unwrap();
        let steps: Vec<_> = plan.steps_of(phase).cloned().collect();
        let ids = steps.iter().map(|step| step.id.clone()).collect();
        ledger.append(Event::PhaseStarted { phase, steps: ids }).unwrap();
        for step in steps {
            ledger.start_step(&step.id, phase, step.contract).unwrap();
            let evidence = EvidenceRef {
                digest: Digest::of(b"benchmark"),
                measured_at: now,
                plan: plan.digest().clone(),
                verdict: Verdict::Pass,
                summary: "written by benches/deployment".into(),
                resource: "staging".into(),
                proves: ChecklistItem::ALL.into_iter().filter(|item| item.proven_in() == phase).collect(),
            };
            let done = Event::StepSucceeded { step: step.id, facts: Facts::new(), evidence: vec![evidence] };
            ledger.append(done).unwrap();
        }
        ledger.append(Event::PhasePassed { phase }).unwrap();
        ledger.close().unwrap();
    }
}
