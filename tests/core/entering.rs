//! May a phase be entered, is the checklist proven: only fresh evidence of this plan says so.

use migrate::core::{
    ChecklistItem, Digest, Event, Facts, Missing, Phase, PlanDigest, Proof, Verdict, missing_for, missing_for_done,
    proof,
};

use crate::run::Run;
use crate::support::{at, evidence, id};

/// rollout.yaml's `maximum_age`.
const WEEK: i64 = 7 * 86_400;

const ITEM: ChecklistItem = ChecklistItem::ClusterCreated;

/// A run whose `1.make` measured these, one after the other, a second apart.
fn measured(verdicts: &[Verdict], plan: Option<&PlanDigest>) -> Run {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make");
    let digest = plan.cloned().unwrap_or_else(|| run.plan.digest().clone());
    let evidence =
        (0..).zip(verdicts).map(|(second, verdict)| evidence(&digest, at(second), *verdict, &[ITEM])).collect();
    run.add(Event::StepSucceeded { step: id("1.make"), facts: Facts::new(), evidence });
    run
}

fn proof_at(run: &Run, seconds: i64) -> Proof<'_> {
    proof(&run.state, &run.plan, ITEM, at(seconds))
}

#[test]
fn what_was_never_measured_is_unmeasured() {
    assert_eq!(proof_at(&measured(&[], None), 0), Proof::Unmeasured);
    let other =
        proof(&measured(&[Verdict::Pass], None).state.clone(), &Run::open().plan, ChecklistItem::NoMemoryLeaks, at(0))
            == Proof::Unmeasured;
    assert!(other, "evidence proves what it names and nothing else");
}

#[test]
fn fresh_evidence_of_this_plan_proves() {
    let run = measured(&[Verdict::Pass], None);
    assert!(matches!(proof_at(&run, WEEK), Proof::Proven(_)), "to the last second");
}

#[test]
fn old_evidence_has_lapsed() {
    let run = measured(&[Verdict::Pass], None);
    let Proof::Lapsed(_, why) = proof_at(&run, WEEK + 1) else { panic!("it is stale") };
    assert_eq!(why, Missing::Stale(ITEM, at(0)));
}

#[test]
fn evidence_of_other_files_has_lapsed() {
    let run = measured(&[Verdict::Pass], Some(&PlanDigest(Digest::of(b"other"))));
    let Proof::Lapsed(_, why) = proof_at(&run, 0) else { panic!("it is of another plan") };
    assert_eq!(why, Missing::OtherPlan(ITEM));
}

#[test]
fn evidence_that_did_not_pass_refutes() {
    for verdict in [Verdict::Inconclusive, Verdict::Hold, Verdict::Abort] {
        assert!(matches!(proof_at(&measured(&[verdict], None), 0), Proof::Refuted(_)), "{verdict}");
    }
}

#[test]
fn the_newest_measurement_counts() {
    assert!(matches!(proof_at(&measured(&[Verdict::Pass, Verdict::Hold], None), 2), Proof::Refuted(_)));
    assert!(matches!(proof_at(&measured(&[Verdict::Hold, Verdict::Pass], None), 2), Proof::Proven(_)));
}

#[test]
fn the_first_phases_need_nothing() {
    let run = Run::open();
    assert_eq!(missing_for(&run.state, &run.plan, Phase::Preflight, at(0)), []);
    assert_eq!(missing_for(&run.state, &run.plan, Phase::Infrastructure, at(0)), [], "it walks preflight itself");
}

#[test]
fn a_phase_needs_the_ones_before_it_and_their_proofs() {
    let run = measured(&[Verdict::Pass], None);
    assert_eq!(
        missing_for(&run.state, &run.plan, Phase::StagingCopy, at(0)),
        [Missing::Phase(Phase::Infrastructure), Missing::Evidence(ChecklistItem::ConnectFromStaging)]
    );
}

/// Everything but production has passed and is proven at second 0.
fn ready_for_production() -> Run {
    let mut run = Run::open();
    for phase in Phase::ALL.into_iter().filter(|phase| *phase < Phase::Production) {
        run.add(Event::PhaseStarted { phase, steps: Vec::new() });
        if phase == Phase::WorkerTuning {
            let step = id("3.prove");
            let proofs = vec![evidence(run.plan.digest(), at(0), Verdict::Pass, &ChecklistItem::ALL)];
            let contract = migrate::core::Contract::Observe;
            run.add(Event::StepStarted { step: step.clone(), phase, contract });
            run.add(Event::StepSucceeded { step, facts: Facts::new(), evidence: proofs });
        }
        run.add(Event::PhasePassed { phase });
    }
    run
}

fn approve(run: &mut Run, expires: i64, plan: PlanDigest) {
    let (by, reason) = ("me".to_owned(), "ready".to_owned());
    run.add(Event::Approved { phase: Phase::Production, by, reason, expires_at: at(expires), plan });
}

#[test]
fn production_needs_a_live_approval_of_these_files() {
    let mut run = ready_for_production();
    let missing = |run: &Run, seconds| missing_for(&run.state, &run.plan, Phase::Production, at(seconds));
    let approval = [Missing::Approval(Phase::Production)];
    assert_eq!(missing(&run, 0), approval, "nobody has approved");
    approve(&mut run, 100, PlanDigest(Digest::of(b"other")));
    assert_eq!(missing(&run, 0), approval, "for other files");
    let digest = run.plan.digest().clone();
    approve(&mut run, 100, digest);
    assert_eq!(missing(&run, 99), []);
    assert_eq!(missing(&run, 100), approval, "it has expired");
}

#[test]
fn stale_evidence_closes_production_again() {
    let mut run = ready_for_production();
    let digest = run.plan.digest().clone();
    approve(&mut run, 2 * WEEK, digest);
    let missing = missing_for(&run.state, &run.plan, Phase::Production, at(WEEK + 1));
    assert_eq!(missing, ChecklistItem::ALL.map(|item| Missing::Stale(item, at(0))));
}

#[test]
fn done_is_every_phase_and_every_item() {
    let fresh = Run::open();
    let all: Vec<Missing> =
        Phase::ALL.map(Missing::Phase).into_iter().chain(ChecklistItem::ALL.map(Missing::Evidence)).collect();
    assert_eq!(missing_for_done(&fresh.state, &fresh.plan, at(0)), all);
    let mut run = ready_for_production();
    assert_eq!(missing_for_done(&run.state, &run.plan, at(0)), [Missing::Phase(Phase::Production)]);
    run.add(Event::PhaseStarted { phase: Phase::Production, steps: Vec::new() });
    run.add(Event::PhasePassed { phase: Phase::Production });
    assert_eq!(missing_for_done(&run.state, &run.plan, at(0)), []);
}

#[test]
fn what_is_missing_is_said_in_words() {
    let table = [
        (Missing::Phase(Phase::Infrastructure), "phase 1 has not passed"),
        (Missing::Evidence(ITEM), "\"Redis cluster created\" has no evidence (phase 1 proves it)"),
        (
            Missing::Stale(ITEM, at(0)),
            "the evidence for \"Redis cluster created\" is too old (measured 2026-01-01T00:00:00Z)",
        ),
        (Missing::OtherPlan(ITEM), "the evidence for \"Redis cluster created\" was measured under other files"),
        (Missing::Approval(Phase::Production), "phase 4 is not approved, or its approval no longer holds"),
        (Missing::ClosedWindow(at(0)), "the change window is closed until 2026-01-01T00:00:00Z"),
    ];
    for (missing, words) in table {
        assert_eq!(missing.to_string(), words);
    }
}
