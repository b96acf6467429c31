//! `rollout.yaml` as types: the site. No procedure (that is `phases/`), no I/O.
//!
//! These types are the only description of the grammar: the JSON Schema in `docs/rollout.schema.json` is generated
//! from them, and the located validation in `configuration` runs against that schema.

mod application;
mod cache;
mod change_window;
mod cohort;
mod comparison;
mod differences;
mod document;
mod drain;
mod journeys;
mod percent;
mod soak;
mod targets;
mod template;
mod tuning;
mod values;

pub use application::{Application, VolatilePattern};
pub use cache::{Cache, CacheAuth, CacheEngine, CacheTls, RefusedSource, TlsMode};
pub use change_window::{ChangeWindow, ClockTime, Weekday};
pub use cohort::{Cohort, CohortNumbers};
pub use comparison::Comparison;
pub use differences::{Absent, AcceptedDifference, Difference};
pub use document::{Budget, EvidencePolicy, Rollout, STAGING, Ssh};
pub use drain::Drain;
pub use journeys::{
    Expectations, Extraction, IDENTITY, Journey, JourneyRequest, Method, MultipartField, MultipartFile,
};
pub use percent::{NotAPercentage, Percent};
pub use soak::{Probe, Soak};
pub use targets::{
    AutoScaling, CopySite, LoadBalancer, NoLoadBalancer, OnAbort, Production, ProductionTarget, Staging, TargetGroup,
};
pub use template::{BrokenReference, BuiltIn, Piece, is_variable, pieces};
pub use tuning::{LeakTest, Load, SharedState};
pub use values::{AbsolutePath, HumanDuration, InstanceSelector, Name, Port, Region, SshHost, TargetPath};
