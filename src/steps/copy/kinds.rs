//! The step kinds of this room.

use super::application::ApplicationCopy;
use super::census::SessionCensus;
use super::configuration::CopyConfiguration;
use super::data_gate::DataGate;
use super::effective_settings::EffectiveSettings;
use super::process::CopyProcess;
use super::rehearsal::RollbackRehearsal;
use super::right_store::RightStoreProof;
use super::session_bridge::SessionBridge;
use super::side_by_side::SideBySideComparison;
use crate::steps::registry::{Row, built};

/// The rows of the registry.
pub fn rows() -> Vec<Row> {
    vec![
        built::<CopyProcess>(),
        built::<ApplicationCopy>(),
        built::<SessionBridge>(),
        built::<CopyConfiguration>(),
        built::<EffectiveSettings>(),
        built::<RightStoreProof>(),
        built::<SessionCensus>(),
        built::<DataGate>(),
        built::<SideBySideComparison>(),
        built::<RollbackRehearsal>(),
    ]
}
