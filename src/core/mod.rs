//! The ground floor: ids, the plan, events, and the pure reducer. No I/O, clock, async or randomness.

mod approval;
mod catalog;
mod checklist;
mod decide;
mod entry;
mod event;
mod evidence;
mod exit;
mod facts;
mod failure;
mod guard;
mod ids;
mod judgement;
mod permit;
mod phase;
mod plan;
mod policy;
mod rehearsal;
mod replay;
pub mod rollout;
mod secret;
mod soak;
mod state;
mod verdict;

pub use approval::{Approval, ProductionAuthority};
pub use catalog::{Catalog, KindEntry};
pub use checklist::ChecklistItem;
pub use decide::{Effect, decide};
pub use entry::{
    ApprovalEndsEarly, Missing, Proof, approval_ends_early, missing_for, missing_for_done, missing_for_step, proof,
};
pub use event::{Event, LaterVerdicts, PresumedStep, Resolution, Stamped};
pub use evidence::{EvidenceDocument, EvidenceRef, Measurement};
pub use exit::Exit;
pub use facts::{Document, Fact, FactName, FactType, FactValue, Facts, Input, MissingFact};
pub use failure::{Failure, FailureClass, Outcome};
pub use guard::{tripped, undone_by_abort};
pub use ids::{Digest, Fence, Holder, PlanDigest, RunId, StepId, StepKind, TargetName};
pub use judgement::{Judgement, Subject, deciding_subjects, sentence_of, sentences, worst};
pub use permit::{ApplyPermit, EitherPermit, UndoPermit};
pub use phase::Phase;
pub use plan::{Availability, Contract, Plan, PlannedStep};
pub use policy::{Permission, Statement};
pub use rehearsal::{REHEARSAL_BEGAN, REHEARSAL_TURNED, Rehearsal};
pub use replay::IllegalEvent;
pub use secret::Secret;
pub use soak::{Looked, SoakTally, SoakWindow};
pub use state::{ACTED_ON, Direction, RunState, StepRecord, StepStatus};
pub use verdict::Verdict;
