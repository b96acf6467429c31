//! What the core needs of the world, as traits. Adapters and the simulator implement them; nothing else does.
//!
//! Reading and writing are separate traits: `plan`, `probe` and `verify` are handed only the reading ones.

mod cache;
mod clock;
mod cloud;
mod failure;
mod journal;
mod load;
mod progress;
mod secrets;
mod target;

pub use cache::{CacheConnector, CacheSession, Endpoint, Route, ServerIdentity, TransportSecurity};
pub use clock::Clock;
pub use cloud::{
    Caller, CloudRead, CloudWrite, IngressRule, InstanceFacts, NewReplicationGroup, NewSecurityGroup, NewSubnetGroup,
    ReplicationGroupFacts, ReplicationGroupStatus, ResourceKind, RuleSource, SecurityGroupFacts, SubnetFacts,
    SubnetGroupFacts, TaggedResource, Tags,
};
pub use failure::WriteFailure;
pub use journal::{EventSink, EvidenceStore, JournalFault, JournalStore};
pub use load::{
    ErrorKind, ErrorTally, LoadGenerator, LoadObserver, LoadPlan, LoadResult, LoadSnapshot, LoadTarget, RequestResult,
    Schedule,
};
pub use progress::{Progress, ProgressSink, Silent};
pub use secrets::SecretSource;
pub use target::{
    CommandOutput, DiskFacts, ModuleFacts, Reachability, Script, ServiceFacts, TargetRead, TargetWrite, TargetsRead,
    TargetsWrite, TreeFacts, WritableTarget,
};
