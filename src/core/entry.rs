//! May a phase be entered? The same question for `migrate phase N` and for `migrate check --for N`.

use super::{ChecklistItem, EvidenceRef, Phase, Plan, PlanDigest, RunState};

/// One reason why a phase may not be entered, or the checklist is not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// An earlier phase has not passed.
    Phase(Phase),
    /// A checklist item has no evidence.
    Evidence(ChecklistItem),
    /// Its evidence is older than rollout.yaml allows.
    Stale(ChecklistItem, jiff::Timestamp),
    /// Its evidence was measured under other files.
    OtherPlan(ChecklistItem),
    /// Nobody has approved the phase, or the approval expired or was for other files.
    Approval(Phase),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Phase(phase) => write!(out, "{phase} has not passed"),
            Self::Evidence(item) => write!(out, "\"{item}\" has no evidence ({} proves it)", item.proven_in()),
            Self::Stale(item, at) => write!(out, "the evidence for \"{item}\" is too old (measured {at:.0})"),
            Self::OtherPlan(item) => write!(out, "the evidence for \"{item}\" was measured under other files"),
            Self::Approval(phase) => write!(out, "{phase} is not approved, or its approval no longer holds"),
        }
    }
}

/// How well one checklist item is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof<'a> {
    /// Fresh, under this plan.
    Proven(&'a EvidenceRef),
    /// Proven once, but this no longer counts.
    Lapsed(&'a EvidenceRef, Missing),
    /// Measured, and it did not hold.
    Refuted(&'a EvidenceRef),
    /// Never measured.
    Unmeasured,
}

/// The newest evidence for a checklist item, and whether it still counts.
pub fn proof<'a>(state: &'a RunState, plan: &Plan, item: ChecklistItem, now: jiff::Timestamp) -> Proof<'a> {
    let newest = state
        .started()
        .flat_map(|(_, record)| &record.evidence)
        .filter(|evidence| evidence.proves.contains(&item))
        .max_by_key(|evidence| evidence.measured_at);
    match newest {
        None => Proof::Unmeasured,
        Some(evidence) if !evidence.verdict.passes() => Proof::Refuted(evidence),
        Some(evidence) => match lapse(evidence, plan, item, now) {
            Some(missing) => Proof::Lapsed(evidence, missing),
            None => Proof::Proven(evidence),
        },
    }
}

fn lapse(evidence: &EvidenceRef, plan: &Plan, item: ChecklistItem, now: jiff::Timestamp) -> Option<Missing> {
    let digest: &PlanDigest = plan.digest();
    if &evidence.plan != digest {
        return Some(Missing::OtherPlan(item));
    }
    let age = now.duration_since(evidence.measured_at);
    let maximum = plan.rollout().evidence.maximum_age.get();
    let is_old = std::time::Duration::try_from(age).is_ok_and(|age| age > maximum);
    is_old.then_some(Missing::Stale(item, evidence.measured_at))
}

/// What stands in the way of entering `phase`; empty when it may be entered.
pub fn missing_for(state: &RunState, plan: &Plan, phase: Phase, now: jiff::Timestamp) -> Vec<Missing> {
    let before = || Phase::ALL.into_iter().filter(|earlier| *earlier < phase);
    // Preflight is walked by phase 1 itself.
    let unpassed = before().filter(|earlier| *earlier != Phase::Preflight && !state.has_passed(*earlier));
    let mut missing: Vec<Missing> = unpassed.map(Missing::Phase).collect();
    missing.extend(unproven(state, plan, now).filter(|(item, _)| item.proven_in() < phase).map(|(_, why)| why));
    let approved =
        state.approval(phase).is_some_and(|approval| approval.expires_at > now && &approval.plan == plan.digest());
    if phase == Phase::Production && !approved {
        missing.push(Missing::Approval(phase));
    }
    missing
}

/// What is missing before the whole checklist is proven.
pub fn missing_for_done(state: &RunState, plan: &Plan, now: jiff::Timestamp) -> Vec<Missing> {
    let unpassed = Phase::ALL.into_iter().filter(|phase| !state.has_passed(*phase)).map(Missing::Phase);
    unpassed.chain(unproven(state, plan, now).map(|(_, why)| why)).collect()
}

fn unproven<'a>(
    state: &'a RunState,
    plan: &'a Plan,
    now: jiff::Timestamp,
) -> impl Iterator<Item = (ChecklistItem, Missing)> + 'a {
    ChecklistItem::ALL.into_iter().filter_map(move |item| match proof(state, plan, item, now) {
        Proof::Proven(_) => None,
        Proof::Lapsed(_, why) => Some((item, why)),
        Proof::Refuted(_) | Proof::Unmeasured => Some((item, Missing::Evidence(item))),
    })
}
