//! The whole document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Application, Cache, Cohort, Comparison, HumanDuration, Journey, LeakTest, Load, Name, Production, Region,
    SharedState, Soak, Staging,
};
use crate::core::TargetName;

/// `rollout.yaml`, version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// The version of this file's grammar.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Names everything that is created, and is its `migrate:rollout` tag.
    pub name: Name,
    /// The AWS region.
    pub region: Region,
    /// The application being migrated.
    pub application: Application,
    /// How hosts are reached.
    #[serde(default)]
    pub ssh: Ssh,
    /// The staging host.
    pub staging: Staging,
    /// The production targets.
    pub production: Production,
    /// The store to create.
    pub cache: Cache,
    /// Worker counts that phase 3 tries on the copy, in this order.
    #[schemars(length(min = 1), inner(range(min = 1, max = 256)))]
    pub worker_counts: Vec<u32>,
    /// The load of phase 3.
    pub load: Load,
    /// Pairs of requests of which one reads what the other has written, for phase 3: state that a worker keeps for itself
    /// is found by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_state: Vec<SharedState>,
    /// The search for memory leaks in phase 3.
    #[serde(default, skip_serializing_if = "LeakTest::is_default")]
    pub leak: LeakTest,
    /// What the users of the application do: the load of phases 2 to 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub journeys: Vec<Journey>,
    /// The comparison of the copy with the original in phase 2.
    #[serde(default, skip_serializing_if = "Comparison::is_default")]
    pub comparison: Comparison,
    /// The synthetic users of phase 4 who must not notice anything.
    #[serde(default, skip_serializing_if = "Cohort::is_default")]
    pub cohort: Cohort,
    /// The observation of each production instance in phase 4.
    pub soak: Soak,
    /// How long measurements stay good.
    #[serde(default)]
    pub evidence: EvidencePolicy,
    /// What may be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

/// How hosts are reached. The system's ssh is used, with its usual configuration and agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ssh {
    /// Another ssh_config file; relative to rollout.yaml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// How long a connection may take to open.
    #[serde(default = "ten_seconds")]
    pub connect_timeout: HumanDuration,
}

fn ten_seconds() -> HumanDuration {
    std::time::Duration::from_secs(10).into()
}

impl Default for Ssh {
    fn default() -> Self {
        Self { config: None, connect_timeout: ten_seconds() }
    }
}

/// How long measurements stay good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidencePolicy {
    /// Older measurements no longer open a gate.
    pub maximum_age: HumanDuration,
}

impl Default for EvidencePolicy {
    fn default() -> Self {
        Self { maximum_age: std::time::Duration::from_secs(7 * 86_400).into() }
    }
}

/// What may be spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Whole US dollars a month for what phase 1 creates.
    #[schemars(range(min = 1))]
    pub monthly_usd: u32,
}

/// The name of the staging target, in output and in the journal.
pub const STAGING: &str = "staging";

impl Rollout {
    /// Every target's name: staging, then production in its declared order.
    pub fn target_names(&self) -> Vec<TargetName> {
        std::iter::once(TargetName::staging())
            .chain(self.production.targets.iter().map(|target| TargetName::new(target.name.as_str())))
            .collect()
    }
}
