//! Where a process of `migrate` can be, and how its next micro-step may turn out.

use migrate::core::{Fence, Outcome, StepId, Verdict};

use crate::operator::Command;

/// Where a process is. The number is the index of a step in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// It has the lock; its lease is not journalled yet.
    Locked,
    /// Its lease is journalled, and no run is open yet.
    Leased,
    /// Its lease is journalled, its command is not.
    Begin,
    /// Asks the core what is next.
    Decide,
    /// The intent is journalled: looks.
    Probe(usize),
    /// The intent of a rehearsal is journalled: says that it begins.
    Beginning(usize),
    /// What is there is ours and of no use: says that it removes it.
    Useless(usize),
    /// Nothing is there: makes it.
    Act(usize),
    /// No reply came: looks again, or gives up.
    Lost(usize),
    /// It is made: says so.
    Made(usize),
    /// Says that it failed.
    Failing(usize, Outcome),
    /// Watches for a second.
    Watch(usize),
    /// What it watches is on hold: goes on, or has waited for long enough.
    Held(usize),
    /// Has watched for so many: says so.
    Watched(usize, u8),
    /// Judges.
    Judge(usize),
    /// Has judged: says so.
    Judged(usize, Verdict),
    /// The undo's intent is journalled: looks.
    UndoProbe(usize),
    /// It is there: removes it.
    UndoAct(usize),
    /// Nothing is there any more: says so.
    Gone(usize),
    /// It cannot be removed: says so.
    Sticking(usize),
    /// Lets go of the lease.
    Close,
}

/// A running process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Process {
    /// Where it is.
    pub at: At,
    /// Whether the operating system's lock is still its own.
    pub has_lock: bool,
    /// Its lease.
    pub fence: Fence,
    /// What it was asked for.
    pub command: Command,
    /// The step it holds a permit for.
    pub permit: Option<StepId>,
}

/// How a micro-step may turn out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Turn {
    /// As it should.
    Well,
    /// The call is refused; nothing happened.
    Denied,
    /// It happened, but the reply is lost.
    LostAfter,
    /// It did not happen, and no reply says so.
    LostBefore,
    /// What was made will never be usable.
    Broken,
    /// What is to be undone cannot be.
    Permanent,
    /// It was undone, and the reply says that it cannot be.
    Misreported,
    /// Gives up instead of asking again.
    GiveUp,
    /// The gate says this.
    Says(Verdict),
    /// The window shows this.
    Shows(Verdict),
}

impl Process {
    /// A process that has just taken the lock.
    pub fn asked_for(command: Command) -> Self {
        Self { at: At::Locked, has_lock: true, fence: Fence(0), command, permit: None }
    }
}

impl Turn {
    /// Whether something goes wrong that the scenario must have a budget for.
    pub fn is_fault(self) -> bool {
        match self {
            Self::Denied | Self::LostAfter | Self::LostBefore | Self::Broken | Self::Permanent | Self::Misreported => {
                true
            }
            // A soak could see good and bad windows in turn for ever.
            Self::Shows(verdict) => !verdict.passes(),
            Self::Well | Self::GiveUp | Self::Says(_) => false,
        }
    }
}

const VERDICTS: [Verdict; 4] = [Verdict::Pass, Verdict::Inconclusive, Verdict::Hold, Verdict::Abort];

/// The ways in which the next micro-step may turn out.
pub fn turns(at: At) -> Vec<Turn> {
    match at {
        At::Act(_) => vec![Turn::Well, Turn::Denied, Turn::LostAfter, Turn::LostBefore, Turn::Broken],
        At::UndoAct(_) => vec![Turn::Well, Turn::Permanent, Turn::Misreported, Turn::LostAfter, Turn::LostBefore],
        At::Lost(_) | At::Held(_) => vec![Turn::Well, Turn::GiveUp],
        At::Judge(_) => VERDICTS.map(Turn::Says).to_vec(),
        At::Watch(_) => VERDICTS.map(Turn::Shows).to_vec(),
        _ => vec![Turn::Well],
    }
}
