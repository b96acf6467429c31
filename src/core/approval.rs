//! A person's word that a phase may be entered.

use serde::{Deserialize, Serialize};

use super::{Phase, PlanDigest, RunState};

/// An approval, as journalled.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires_at: jiff::Timestamp,
    /// For which plan.
    pub plan: PlanDigest,
}

/// The right to write on a production target. It is made only from a state in which phase 4 was approved, is being
/// walked or undone, so no code before phase 4 can hold one, and without one no write handle can be constructed.
#[derive(Debug, Clone)]
pub struct ProductionAuthority(());

impl RunState {
    /// The right to write on production, when phase 4 is under way and its approval has not expired.
    pub fn production_authority(&self, now: jiff::Timestamp) -> Option<ProductionAuthority> {
        let going_forward = self.direction() == super::Direction::Forward(Phase::Production)
            && self
                .approval(Phase::Production)
                .is_some_and(|approval| approval.expires_at > now && Some(&approval.plan) == self.plan());
        // Going back needs nobody's leave: what phase 4 started may always be undone.
        let going_back = matches!(self.direction(), super::Direction::Back(to) if to < Phase::Production)
            && self.furthest_phase() == Some(Phase::Production);
        // The undo that a gate's Abort asks for comes when nothing is under way, and the approval may have expired.
        let undoing = self
            .started()
            .any(|(_, record)| record.phase == Phase::Production && record.status == super::StepStatus::Undoing);
        (going_forward || going_back || undoing).then_some(ProductionAuthority(()))
    }
}
