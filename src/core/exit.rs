//! Exit codes: the one table. `docs/exit-codes.md` is checked against it.

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Everything asked for holds.
    Pass,
    /// A bug in `migrate`, or a file it cannot read or write.
    Internal,
    /// The command line is wrong.
    Usage,
    /// rollout.yaml or phases/ is wrong.
    InvalidFiles,
    /// AWS says no: waiting for permissions.
    WaitingForPermissions,
    /// Preflight or a gate failed.
    GateFailed,
    /// Waiting: approval, soak, or not enough evidence.
    Waiting,
    /// Somebody else holds the lock.
    Locked,
    /// The files changed since the run began.
    PlanDrift,
    /// An undo failed and a person must look.
    Stuck,
    /// Something that must not change has changed.
    ProtectedChanged,
    /// SIGHUP: the terminal or the connection is gone.
    HungUp,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Exit {
    /// Every exit, by code.
    pub const ALL: [Self; 14] = [
        Self::Pass,
        Self::Internal,
        Self::Usage,
        Self::InvalidFiles,
        Self::WaitingForPermissions,
        Self::GateFailed,
        Self::Waiting,
        Self::Locked,
        Self::PlanDrift,
        Self::Stuck,
        Self::ProtectedChanged,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::InvalidFiles => 3,
            Self::WaitingForPermissions => 4,
            Self::GateFailed => 5,
            Self::Waiting => 6,
            Self::Locked => 7,
            Self::PlanDrift => 8,
            Self::Stuck => 9,
            Self::ProtectedChanged => 10,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Internal => "internal error",
            Self::Usage => "usage",
            Self::InvalidFiles => "invalid rollout.yaml or phases",
            Self::WaitingForPermissions => "waiting for permissions",
            Self::GateFailed => "preflight or gate failed",
            Self::Waiting => "waiting: approval, soak or inconclusive",
            Self::Locked => "locked by another holder",
            Self::PlanDrift => "plan drift",
            Self::Stuck => "stuck: an undo failed",
            Self::ProtectedChanged => "a protected thing changed",
            Self::HungUp => "hung up (SIGHUP); checkpointed",
            Self::Interrupted => "interrupted (SIGINT); checkpointed",
            Self::Terminated => "terminated (SIGTERM); checkpointed",
        }
    }
}

impl From<super::FailureClass> for Exit {
    fn from(class: super::FailureClass) -> Self {
        use super::FailureClass as Class;
        match class {
            Class::Denied => Self::WaitingForPermissions,
            Class::Inconclusive => Self::Waiting,
            Class::ProtectedChanged => Self::ProtectedChanged,
            Class::Interrupted => Self::Interrupted,
            Class::Throttled | Class::Transient | Class::Permanent | Class::Foreign | Class::Gate => Self::GateFailed,
        }
    }
}
