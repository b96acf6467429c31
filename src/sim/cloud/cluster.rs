//! Replication groups over time.

use std::time::Duration;

use crate::ports::{ReplicationGroupFacts, ReplicationGroupStatus};

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From a cluster's creation until it is usable.
    pub creating: Duration,
    /// From a cluster's deletion until it is gone.
    pub deleting: Duration,
    /// How long its security group still counts as used after that.
    pub lingering: Duration,
    /// From a target's deregistration until it is no longer listed: the target group's deregistration delay.
    pub draining: Duration,
    /// From a target's registration until it is judged healthy.
    pub judging: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            creating: Duration::from_secs(7 * 60),
            deleting: Duration::from_secs(5 * 60),
            lingering: Duration::from_secs(2 * 60),
            draining: Duration::from_secs(5 * 60),
            judging: Duration::from_secs(35),
        }
    }
}

/// A replication group.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// What a describe call says, but for the status.
    pub facts: ReplicationGroupFacts,
    /// The subnet group it is in.
    pub subnet_group: String,
    /// The security group around it, by id.
    pub security_group: String,
    /// When it was created.
    pub created_at: Duration,
    /// When it becomes usable.
    pub ready_at: Duration,
    /// When its deletion was asked for.
    pub deleted_at: Option<Duration>,
    /// Whether its creation fails instead.
    pub fails: bool,
}

impl Cluster {
    /// How it is now.
    pub fn status(&self, now: Duration) -> ReplicationGroupStatus {
        match self.deleted_at {
            Some(_) => ReplicationGroupStatus::Deleting,
            None if now < self.ready_at => ReplicationGroupStatus::Settling("creating".into()),
            None if self.fails => ReplicationGroupStatus::Failed("create-failed".into()),
            None => self.available_or_as_set(),
        }
    }

    /// A test may have set a status of its own.
    fn available_or_as_set(&self) -> ReplicationGroupStatus {
        match &self.facts.status {
            ReplicationGroupStatus::Settling(status) if status == "creating" => ReplicationGroupStatus::Available,
            other => other.clone(),
        }
    }

    /// What a describe call says now.
    pub(in crate::sim) fn described(&self, now: Duration) -> ReplicationGroupFacts {
        let status = self.status(now);
        // The endpoint shows up when there is something behind it.
        let endpoint = self.facts.endpoint.clone().filter(|_| status == ReplicationGroupStatus::Available);
        ReplicationGroupFacts { status, endpoint, ..self.facts.clone() }
    }
}
