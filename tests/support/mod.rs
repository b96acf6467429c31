//! What several test crates share: a small plan on the repository's own rollout.yaml, and shorthand for events.
#![allow(dead_code, reason = "each test crate uses its own part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use migrate::adapters::LocalFiles;
use migrate::core::rollout::Rollout;
use migrate::core::{
    Availability, ChecklistItem, Contract, Digest, Event, EvidenceRef, Facts, Failure, FailureClass, Fence, Holder,
    LaterVerdicts, Outcome, Phase, Plan, PlanDigest, PlannedStep, PresumedStep, Resolution, RunId, Stamped, StepId,
    StepKind, Verdict,
};
use migrate::ports::EventSink;
use migrate::sim::World;
use migrate::steps::{ReadPorts, WritePorts};

/// The repository's own rollout.yaml.
pub fn rollout() -> Rollout {
    serde_yaml::from_str(include_str!("../../rollout.yaml")).expect("rollout.yaml is valid")
}

/// A step's name.
pub fn id(text: &str) -> StepId {
    StepId::new(text)
}

/// A planned step of no particular kind.
pub fn planned(name: &str, phase: Phase, contract: Contract) -> PlannedStep {
    PlannedStep {
        id: id(name),
        phase,
        kind: StepKind::new("tested"),
        settings: serde_json::Value::Null,
        contract,
        availability: Availability::Built,
        requires: Vec::new(),
        provides: Vec::new(),
        guards: None,
        target: None,
    }
}

/// A plan of these steps.
pub fn plan(steps: Vec<PlannedStep>) -> Plan {
    Plan::new(rollout(), BTreeMap::new(), steps, BTreeMap::new()).expect("a plan can be written as JSON")
}

/// Whether `read` has everything that was `written`. It may have more: fields are added.
pub fn holds(read: &serde_json::Value, written: &serde_json::Value) -> bool {
    match (read, written) {
        (serde_json::Value::Object(read), serde_json::Value::Object(written)) => {
            written.iter().all(|(name, value)| read.get(name).is_some_and(|found| holds(found, value)))
        }
        (serde_json::Value::Array(read), serde_json::Value::Array(written)) => {
            read.len() == written.len() && read.iter().zip(written).all(|(read, written)| holds(read, written))
        }
        _ => read == written,
    }
}

/// A moment, in seconds of 2026.
pub fn at(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_767_225_600 + seconds).expect("a moment")
}

/// Evidence with this verdict.
pub fn evidence(
    plan: &PlanDigest,
    measured_at: jiff::Timestamp,
    verdict: Verdict,
    proves: &[ChecklistItem],
) -> EvidenceRef {
    EvidenceRef {
        digest: Digest::of(format!("{measured_at} {verdict} {proves:?}").as_bytes()),
        measured_at,
        plan: plan.clone(),
        verdict,
        summary: "measured".into(),
        resource: "the store".into(),
        proves: proves.to_vec(),
    }
}

/// A legal journal in which every variant of `Event` occurs. It ends with everything rolled back and settled.
pub fn every_event() -> Vec<Stamped> {
    let mut events = first_events();
    let last = events.pop();
    events.extend(rehearsed().into_iter().map(|event| Stamped { fence: Fence(1), event }));
    events.extend(last);
    events
}

/// A phase that is rehearsed, passes and is rolled back.
fn rehearsed() -> Vec<Event> {
    let start = |step: &str, contract| Event::StepStarted { step: id(step), phase: Phase::Infrastructure, contract };
    let done = |step: &str| Event::StepSucceeded { step: id(step), facts: Facts::new(), evidence: Vec::new() };
    let undone = || [Event::UndoStarted { step: id("1.make") }, Event::UndoFinished { step: id("1.make") }];
    let rehearsal = || id("1.rehearsal");
    let mut events = vec![
        Event::PhaseStarted { phase: Phase::Infrastructure, steps: vec![id("1.make"), rehearsal()] },
        start("1.make", Contract::Change),
        done("1.make"),
        start("1.rehearsal", Contract::Rehearsal),
        Event::RehearsalBegan { step: rehearsal(), at: at(10) },
    ];
    events.extend(undone());
    events.extend([
        Event::RehearsalTurned { step: rehearsal(), at: at(20) },
        start("1.make", Contract::Change),
        done("1.make"),
        start("1.rehearsal", Contract::Rehearsal),
        Event::GateJudged {
            step: rehearsal(),
            verdict: Verdict::Pass,
            reason: "quick enough".into(),
            evidence: Vec::new(),
        },
        done("1.rehearsal"),
        Event::PhasePassed { phase: Phase::Infrastructure },
        Event::RollbackStarted { to: Phase::Preflight, reason: None },
    ]);
    events.extend(undone());
    events.push(Event::RollbackFinished { to: Phase::Preflight });
    events
}

/// The journal of the first version, before rehearsals. Its fixture is never rewritten, so it stays as it is.
pub fn first_events() -> Vec<Stamped> {
    let plan = PlanDigest(Digest::of(b"the plan"));
    let other = PlanDigest(Digest::of(b"another plan"));
    let steps = || vec![id("1.make"), id("1.gate")];
    let failure = |class| Failure::new(class, "it did not work").hint("look at it");
    let start = |step: &str, contract| Event::StepStarted { step: id(step), phase: Phase::Infrastructure, contract };
    let proof = || vec![evidence(&plan, at(5), Verdict::Pass, &[ChecklistItem::ClusterCreated])];
    let settle = |resolution| Event::StuckSettled {
        step: id("1.make"),
        resolution,
        by: "someone".into(),
        reason: "looked at it".into(),
        // The first version's journals did not say.
        later_verdicts: LaterVerdicts::Count,
    };
    let facts = Facts::new().with("cluster.endpoint", "store:6379").with("network.subnets", vec!["a".to_owned()]);
    let presumed =
        PresumedStep { step: id("1.make"), phase: Phase::Infrastructure, contract: Contract::Soak { seconds: 1 } };
    let events = vec![
        Event::LeaseTaken { holder: Holder::new("someone@here pid 1"), reason: "migrate phase 1".into() },
        Event::RunOpened { run: RunId::new("20260101T000000Z-abcdef"), rollout: "sessions".into(), plan: other },
        Event::StepsPresumed { steps: vec![presumed], reason: "1 thing carries the tag".into() },
        Event::PlanReplaced { plan: plan.clone(), by: "someone".into(), reason: "new files".into() },
        Event::PhaseStarted { phase: Phase::Preflight, steps: Vec::new() },
        Event::PhasePassed { phase: Phase::Preflight },
        Event::PhaseStarted { phase: Phase::Infrastructure, steps: steps() },
        start("1.make", Contract::Change),
        Event::StepFailed { step: id("1.make"), outcome: Outcome::Unknown, failure: failure(FailureClass::Transient) },
        Event::PhaseStarted { phase: Phase::Infrastructure, steps: steps() },
        start("1.make", Contract::Change),
        Event::StepSucceeded { step: id("1.make"), facts, evidence: proof() },
        start("1.gate", Contract::Soak { seconds: 2 }),
        Event::SoakObserved { step: id("1.gate"), seconds: 2, window: None },
        Event::GateJudged {
            step: id("1.gate"),
            verdict: Verdict::Pass,
            reason: "fast enough".into(),
            evidence: proof(),
        },
        Event::StepSucceeded { step: id("1.gate"), facts: Facts::new(), evidence: Vec::new() },
        Event::PhasePassed { phase: Phase::Infrastructure },
        Event::Approved {
            phase: Phase::StagingCopy,
            by: "someone".into(),
            reason: "ready".into(),
            expires_at: at(86_400),
            plan,
        },
        Event::Paused { cause: "SIGINT".into() },
        Event::RollbackStarted { to: Phase::Preflight, reason: Some("a rehearsal".into()) },
        Event::UndoStarted { step: id("1.make") },
        Event::UndoFailed { step: id("1.make"), failure: failure(FailureClass::Permanent) },
        settle(Resolution::Retried),
        Event::RollbackStarted { to: Phase::Preflight, reason: None },
        Event::UndoStarted { step: id("1.gate") },
        Event::UndoFinished { step: id("1.gate") },
        Event::UndoStarted { step: id("1.make") },
        Event::UndoFinished { step: id("1.make") },
        Event::RollbackFinished { to: Phase::Preflight },
        Event::LeaseReleased,
    ];
    events.into_iter().map(|event| Stamped { fence: Fence(1), event }).collect()
}

/// Everything before production has passed, was proven at this moment, and has taught these facts.
pub fn passed_before_production(plan: &Plan, measured_at: jiff::Timestamp, facts: &Facts) -> Vec<Event> {
    let (run, rollout) = (RunId::new("run-1"), plan.rollout().name.to_string());
    let mut events = vec![Event::RunOpened { run, rollout, plan: plan.digest().clone() }];
    for phase in Phase::ALL.into_iter().filter(|phase| *phase < Phase::Production) {
        events.push(Event::PhaseStarted { phase, steps: Vec::new() });
        if phase == Phase::WorkerTuning {
            let step = id("3.prove");
            let proof = EvidenceRef {
                digest: Digest::of(b"proof"),
                measured_at,
                plan: plan.digest().clone(),
                verdict: Verdict::Pass,
                summary: "measured".into(),
                resource: "the copy".into(),
                proves: ChecklistItem::ALL.to_vec(),
            };
            events.push(Event::StepStarted { step: step.clone(), phase, contract: Contract::Observe });
            events.push(Event::StepSucceeded { step, facts: facts.clone(), evidence: vec![proof] });
        }
        events.push(Event::PhasePassed { phase });
    }
    events
}

/// A simulated world to look at and to change, and the files of `local` to install.
pub fn ports(world: &World, local: LocalFiles) -> (ReadPorts, WritePorts) {
    let shared = Arc::new(world.clone());
    let read = ReadPorts {
        cloud: shared.clone(),
        targets: shared.clone(),
        cache: shared.clone(),
        secrets: shared.clone(),
        load: shared.clone(),
        browsers: shared.clone(),
        local: Arc::new(local),
        clock: shared.clone(),
    };
    (read, WritePorts { cloud: shared.clone(), targets: shared.clone(), cache: shared })
}

/// Ignores every event.
pub struct Deaf;

impl EventSink for Deaf {
    fn recorded(&self, _: jiff::Timestamp, _: &Event) {}
}
