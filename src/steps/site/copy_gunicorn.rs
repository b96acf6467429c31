//! The copy's Gunicorn: its command, its files, and its number of workers.

use super::copy_layout;
use crate::core::rollout::Rollout;
use crate::core::{Failure, Plan};
use crate::ports::DetachedGunicorn;

/// The kind of step that starts the copy; its settings may name the number of workers.
pub const COPY_PROCESS: &str = "copy_process";

/// The copy's Gunicorn with this number of workers.
///
/// # Errors
/// When a path below the copy's directory is not valid.
pub fn gunicorn(rollout: &Rollout, workers: u32) -> Result<DetachedGunicorn, Failure> {
    Ok(DetachedGunicorn {
        unit: rollout.application.unit.clone(),
        original: rollout.application.directory.clone(),
        directory: rollout.staging.copy.directory.clone(),
        application: Some(copy_layout::BRIDGE_APPLICATION.to_owned()),
        port: rollout.staging.copy.port,
        workers,
        pid_file: copy_layout::below(rollout, copy_layout::PID_FILE)?,
        access_log: copy_layout::below(rollout, copy_layout::ACCESS_LOG)?,
        error_log: copy_layout::below(rollout, copy_layout::ERROR_LOG)?,
        environment_file: copy_layout::below(rollout, copy_layout::ENVIRONMENT)?,
    })
}

/// The number of workers that phase 2 gives the copy.
pub fn workers_of_phase_2(plan: &Plan) -> u32 {
    let settings = plan.steps().iter().find(|step| step.kind.as_str() == COPY_PROCESS).map(|step| &step.settings);
    let told = settings.and_then(|settings| settings.get("workers")?.as_u64());
    told.and_then(|workers| u32::try_from(workers).ok()).unwrap_or(plan.rollout().application.workers)
}
