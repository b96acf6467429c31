//! What the core needs of the world, as traits. Adapters and the simulator implement them; nothing else does.
//!
//! Reading and writing are separate traits: `plan`, `probe` and `verify` are handed only the reading ones.

mod bridge;
mod browser;
mod cache;
mod census;
mod clock;
mod cloud;
mod cloud_services;
mod detached;
mod failure;
mod files;
mod journal;
mod load;
mod local;
mod monitor;
mod path_cut;
mod progress;
mod release;
mod secrets;
mod target;

pub use bridge::{BridgeLog, BridgeRead, BridgeTotals};
pub use browser::{Answer, Browser, BrowserCookie, Browsers};
pub use cache::{
    CacheConnector, CacheInfo, CacheSession, CacheWrite, Endpoint, KeySpace, Route, ServerIdentity, StoreAccess,
    TransportSecurity,
};
pub use census::{CensusFacts, CensusJob, CensusRead};
pub use clock::Clock;
pub use cloud::{
    Caller, IngressRule, InstanceFacts, NewReplicationGroup, NewSecurityGroup, NewSubnetGroup, RegisteredTarget,
    ReplicationGroupFacts, ReplicationGroupStatus, ResourceKind, RuleSource, ScalingGroupFacts, SecurityGroupFacts,
    SubnetFacts, SubnetGroupFacts, TaggedResource, Tags, TargetGroupFacts, TargetHealth, TargetPlace,
};
pub use cloud_services::{
    BalancingRead, BalancingWrite, CloudRead, CloudWrite, IdentityRead, InventoryRead, NetworkRead, NetworkWrite,
    ScalingRead, StoreRead, StoreWrite,
};
pub use detached::{DetachedFacts, DetachedGunicorn, DetachedRead, DetachedWrite, ProcessFacts};
pub use failure::WriteFailure;
pub use files::{
    DirectoryState, FileContent, FileFacts, FilesRead, FilesWrite, Installation, InstalledFile, OwnedDirectory,
    SmokeImport, TreeCopy,
};
pub use journal::{EventSink, EvidenceStore, JournalFault, JournalStore};
pub use load::{
    AnsweredBy, ErrorKind, ErrorTally, LoadGenerator, LoadNews, LoadObserver, LoadPlan, LoadResult, LoadSnapshot,
    LoadTarget, RequestResult, Schedule,
};
pub use local::LocalFiles;
pub use monitor::{
    HostSample, LogCounts, MasterOf, MonitorRead, MonitorSample, MonitorSpec, Monitoring, ProcessSample,
};
pub use path_cut::{CutState, PathCut, PathRead, PathWrite};
pub use progress::{Progress, ProgressSink, Reading, Silent};
pub use release::{
    LiveTree, ReleaseBuild, ReleaseFacts, ReleaseName, ReleaseRead, ReleaseRoom, ReleaseSite, ReleaseWrite, RunningTree,
};
pub use secrets::SecretSource;
pub use target::{
    CommandOutput, DiskFacts, ModuleFacts, Reachability, Script, ServiceFacts, TargetRead, TargetWrite, TargetsRead,
    TargetsWrite, TreeFacts, WritableTarget,
};
