//! `rollout.yaml` as types: the site. No procedure (that is `phases/`), no I/O.
//!
//! These types are the only description of the grammar: the JSON Schema in `docs/rollout.schema.json` is generated
//! from them, and the located validation in `spec` runs against that schema.

mod application;
mod cache;
mod document;
mod targets;
mod values;

pub use application::{Application, VolatilePattern};
pub use cache::{Cache, CacheAuth, CacheEngine, CacheTls, RefusedSource, TlsMode};
pub use document::{Budget, EvidencePolicy, Load, Rollout, STAGING, Soak, Ssh};
pub use targets::{CopySite, LoadBalancer, NoLoadBalancer, Production, ProductionTarget, Staging, TargetGroup};
pub use values::{AbsolutePath, HumanDuration, InstanceSelector, Name, Port, Region, SshHost};
