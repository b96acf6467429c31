//! `rollout.yaml` as types: the site. No procedure (that is `phases/`), no I/O.
//!
//! These types are the only description of the grammar: the JSON Schema in `docs/rollout.schema.json` is generated
//! from them, and the located validation in `spec` runs against that schema.

mod application;
mod cache;
mod document;
mod journeys;
mod targets;
mod template;
mod values;

pub use application::{Application, VolatilePattern};
pub use cache::{Cache, CacheAuth, CacheEngine, CacheTls, RefusedSource, TlsMode};
pub use document::{Budget, EvidencePolicy, Load, Rollout, STAGING, Soak, Ssh};
pub use journeys::{
    Expectations, Extraction, IDENTITY, Journey, JourneyRequest, Method, MultipartField, MultipartFile,
};
pub use targets::{CopySite, LoadBalancer, NoLoadBalancer, Production, ProductionTarget, Staging, TargetGroup};
pub use template::{BrokenReference, BuiltIn, Piece, is_variable, pieces};
pub use values::{AbsolutePath, HumanDuration, InstanceSelector, Name, Port, Region, SshHost};
