//! May a phase be entered? The same question for `migrate phase N` and for `migrate check --for N`.

use super::{
    ChecklistItem, Contract, EvidenceRef, Phase, Plan, PlanDigest, PlannedStep, RunState, StepStatus, TargetName,
};

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
    /// Production may not be changed at this hour, and when it may.
    ClosedWindow(jiff::Timestamp),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Phase(phase) => write!(out, "{phase} has not passed"),
            Self::Evidence(item) => write!(out, "\"{item}\" has no evidence ({} proves it)", item.proven_in()),
            Self::Stale(item, at) => write!(out, "the evidence for \"{item}\" is too old (measured {at:.0})"),
            Self::OtherPlan(item) => write!(out, "the evidence for \"{item}\" was measured under other files"),
            Self::Approval(phase) => write!(out, "{phase} is not approved, or its approval no longer holds"),
            Self::ClosedWindow(opens) => write!(out, "the change window is closed until {opens:.0}"),
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
    let window = plan.rollout().production.change_window.as_ref().filter(|_| phase == Phase::Production);
    missing.extend(window.and_then(|window| window.closed_until(now)).map(Missing::ClosedWindow));
    missing
}

/// What stands in the way of one step of a phase that was entered: asked before each change of phase 4, because in the
/// hours of a soak an approval ends, measurements grow old and the change window closes. What only looks may always go
/// on. A change that a crash interrupted is brought to its end whatever the hour: half of it is worse.
pub fn missing_for_step(state: &RunState, plan: &Plan, step: &PlannedStep, now: jiff::Timestamp) -> Vec<Missing> {
    if step.phase != Phase::Production || !step.contract.changes() {
        return Vec::new();
    }
    let is_interrupted = state.status(&step.id) == Some(StepStatus::Started);
    let mut missing = missing_for(state, plan, step.phase, now);
    missing.retain(|missing| !(is_interrupted && matches!(missing, Missing::ClosedWindow(_))));
    missing
}

/// An approval of phase 4 that ends before the last target's change can begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalEndsEarly {
    /// When the approval ends.
    pub ends: jiff::Timestamp,
    /// The first target whose change it does not cover.
    pub target: TargetName,
    /// When that change can begin at the soonest: after the soaks of the targets before it.
    pub not_before: jiff::Timestamp,
}

impl std::fmt::Display for ApprovalEndsEarly {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "the approval ends at {:.0}, and {} cannot be changed before {:.0}, after the soaks: it will wait for another \
             `migrate approve 4`",
            self.ends, self.target, self.not_before
        )
    }
}

/// Whether the standing approval of phase 4 ends too early for all of its targets. No reason not to begin: each change
/// asks again, a soak goes on without it, and one that held for days would be the word of somebody who has not seen the
/// first target. But whoever approves wants to know when to come back.
pub fn approval_ends_early(state: &RunState, plan: &Plan, now: jiff::Timestamp) -> Option<ApprovalEndsEarly> {
    let approval = state.approval(Phase::Production)?;
    let has_succeeded = |step: &&PlannedStep| state.status(&step.id) == Some(StepStatus::Succeeded);
    let mut left = 0_i64;
    for target in &plan.rollout().production.targets {
        let steps = || {
            let is_its =
                |step: &&PlannedStep| step.target.as_ref().is_some_and(|own| own.as_str() == target.name.as_str());
            plan.steps_of(Phase::Production).filter(is_its).filter(|step| !has_succeeded(step))
        };
        let not_before = now.checked_add(jiff::SignedDuration::from_secs(left)).unwrap_or(jiff::Timestamp::MAX);
        if left > 0 && not_before >= approval.expires_at && steps().any(|step| step.contract.changes()) {
            let target = TargetName::new(target.name.as_str());
            return Some(ApprovalEndsEarly { ends: approval.expires_at, target, not_before });
        }
        for step in steps() {
            if let Contract::Soak { seconds } = step.contract {
                let observed = state.step(&step.id).map_or(0, |record| record.observed_seconds);
                left = left.saturating_add(i64::try_from(seconds.saturating_sub(observed)).unwrap_or(i64::MAX));
            }
        }
    }
    None
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
