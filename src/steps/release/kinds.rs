//! The step kinds of this room.

use super::package::ReleasePackage;
use super::room::ReleaseRoom;
use super::switch::check::SwitchedTargetCheck;
use super::switch::processes::SwitchedProcesses;
use super::switch::step::InPlaceSwitch;
use super::trial::ReleaseTrial;
use crate::steps::registry::{Row, built};

/// The rows of the registry.
pub fn rows() -> Vec<Row> {
    vec![
        built::<ReleaseRoom>(),
        built::<ReleasePackage>(),
        built::<ReleaseTrial>(),
        built::<InPlaceSwitch>(),
        built::<SwitchedProcesses>(),
        built::<SwitchedTargetCheck>(),
    ]
}
