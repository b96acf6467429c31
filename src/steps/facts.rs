//! Every fact that one step learns and another one, or the engine, uses: its name in the journal and in `${...}`, and its type.

use crate::core::{Document, Fact};
use crate::ports::{Endpoint, ReleaseName};

pub use crate::core::{ACTED_ON, REHEARSAL_BEGAN, REHEARSAL_TURNED};

/// `caller_identity`: the ARN of the credentials.
pub const CALLER_ARN: Fact<String> = Fact::new("caller.arn");
/// `caller_identity`: the number of the AWS account.
pub const CALLER_ACCOUNT: Fact<String> = Fact::new("caller.account");
/// `network_facts`: the id of the VPC.
pub const VPC: Fact<String> = Fact::new("network.vpc");
/// `network_facts`: the ids of the subnets.
pub const SUBNETS: Fact<Vec<String>> = Fact::new("network.subnets");
/// `network_facts`: the ids of the security groups of all instances.
pub const APPLICATION_GROUPS: Fact<Vec<String>> = Fact::new("network.application_groups");
/// `protected_baseline`: what is protected on each target, before anything was changed.
pub const BASELINE: Fact<Document> = Fact::new("protected.baseline");
/// `security_group`: the id of the store's security group.
pub const SECURITY_GROUP: Fact<String> = Fact::new("security_group.id");
/// `cache_subnet_group`: its name.
pub const SUBNET_GROUP: Fact<String> = Fact::new("subnet_group.name");
/// `replication_group`: the store's address.
pub const STORE_ENDPOINT: Fact<Endpoint> = Fact::new("cluster.endpoint");
/// `replication_group`: its ARN.
pub const STORE_ARN: Fact<String> = Fact::new("cluster.arn");
/// `connection_check`: the `run_id` of the server that answered.
pub const STORE_RUN_ID: Fact<String> = Fact::new("cache.run_id");
/// `application_copy`: the directory of the copy.
pub const COPY_DIRECTORY: Fact<String> = Fact::new("copy.directory");
/// `copy_process`: the file with the process id of the copy.
pub const COPY_PID_FILE: Fact<String> = Fact::new("copy.pid_file");
/// `key_space`: what every key of the copy begins with.
pub const COPY_KEY_PREFIX: Fact<String> = Fact::new("copy.key_prefix");
/// `store_loss_drill`: how many users kept their sessions while the store could not be reached.
pub const USERS_KEPT: Fact<u32> = Fact::new("bridge.kept_sessions");
/// `rollback_rehearsal`: how many seconds the undo took.
pub const REHEARSAL_UNDO_SECONDS: Fact<u64> = Fact::new("rehearsal.undo_seconds");
/// `rollback_rehearsal`: how many seconds it took to do everything again.
pub const REHEARSAL_REDO_SECONDS: Fact<u64> = Fact::new("rehearsal.redo_seconds");
/// `worker_ramp`: what was measured with each number of workers.
pub const RAMP_RESULTS: Fact<Document> = Fact::new("ramp.results");
/// `worker_ramp`: with how many workers the copy runs.
pub const RAMP_WORKERS: Fact<u32> = Fact::new("ramp.workers");
/// `worker_recommendation`: how many workers the application should have.
pub const RECOMMENDED_WORKERS: Fact<u32> = Fact::new("workers.recommended");
/// `release_package`: the name of a target's release.
pub const RELEASE_NAME: Fact<ReleaseName> = Fact::new("release.name");
/// `in_place_switch`: the process id of the new main process, known once the target is in service with it.
pub const SWITCHED_MASTER: Fact<u32> = Fact::new("switch.master");
/// `in_place_switch`: when that process started, in clock ticks since the host's start.
pub const SWITCHED_STARTED_TICKS: Fact<u64> = Fact::new("switch.started_ticks");
/// `production_soak`: what one window keeps for the next.
pub const SOAK_KEPT: Fact<Document> = Fact::new("soak.kept");
