//! One way each to break the protocol, to see that the properties notice.

/// A seeded bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// After a crash the step acts again without looking what the crash left behind.
    BlindRetry,
    /// The step acts first and journals its intent afterwards.
    EffectBeforeIntent,
    /// A gate without data is written down as a pass.
    InconclusivePasses,
    /// The time nobody watched between a crash and the next process is written down as observed.
    GapObserved,
    /// A writer that lost the lease writes under the newest fence.
    StaleFenceAccepted,
    /// A rollback leaves out the steps of which only the intent is journalled.
    UndoSkipsStarted,
    /// A rollback undoes in the order in which things were made.
    UndoForwards,
    /// A lost reply counts as "nothing happened", and a rollback leaves out what failed cleanly.
    LostReplyIsClean,
    /// An undo is written down as finished when it was asked for, not when it was seen.
    UndoUnseen,
    /// A broken thing of ours is adopted as if it were usable.
    BrokenAdopted,
    /// A writer tries again after a lost reply without looking whether the lease is still its own.
    RetryWithoutLease,
    /// The phase is declared passed when its first step has succeeded.
    PassedEarly,
    /// A success is written down without waiting for the verdict.
    SuccessUnjudged,
    /// A rehearsal turns when its newest step is undone.
    TurnedEarly,
    /// A process that finds a rehearsal under way makes what is missing first.
    RedoneEarly,
    /// A rehearsal is judged without undoing anything.
    NeverRehearsed,
    /// A gate says Abort, and the process ends with what it guards still standing.
    AbortWaits,
    /// A process that finds an Abort judges anew instead of undoing.
    AbortForgotten,
    /// The second target's change does not wait for the first one's soak.
    SecondTooEarly,
    /// The rollback ends without looking for what carries our tag.
    RollbackEndsUnseen,
}
