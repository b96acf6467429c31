//! Where everything of ours lies on a production target. The one list: what one step writes, others read.

use super::copy_layout;
use super::copy_layout::as_path;
use crate::core::rollout::{AbsolutePath, Rollout};
use crate::core::{Facts, Failure};
use crate::ports::{LiveTree, OwnedDirectory, ReleaseName, ReleaseSite};
use crate::steps::facts::RECOMMENDED_WORKERS;

/// `NAME=VALUE` lines for the release's processes; mode 0600. The same names as in the copy, because the same bridge
/// reads them.
pub use super::copy_layout::{ENVIRONMENT, METRICS, REDIS_AUTHORITY, REDIS_PASSWORD, TRIAL_TOKEN};

/// The live path, which the release's configuration is told.
pub const LIVE: &str = ".migrate/live";
/// How many workers the release has; without it as many as before.
pub const WORKERS: &str = ".migrate/workers";
/// The pid file of a release on trial.
pub const TRIAL_PID_FILE: &str = ".migrate/trial.pid";
/// Its access log.
pub const TRIAL_ACCESS_LOG: &str = ".migrate/trial-access.log";
/// Its error log.
pub const TRIAL_ERROR_LOG: &str = ".migrate/trial-error.log";
/// Synthetic users that were opened before the change, below the directory of releases; mode 0600.
pub const COHORT: &str = ".migrate/cohort.json";
/// The directory below `phases/` that holds Gunicorn's configuration of a release.
pub const RELEASE_SOURCE: &str = "release/";
/// The file in it.
pub const CONFIGURATION: &str = "gunicorn_configuration.py";
/// What Gunicorn reads from its directory when its command line names no configuration.
pub const USUAL_CONFIGURATION: &str = "gunicorn.conf.py";
/// Where the application's own configuration is kept in a release.
pub const KEPT_CONFIGURATION: &str = ".migrate/gunicorn.original.py";

/// What every key of production in the store begins with.
pub fn key_prefix(rollout: &Rollout) -> String {
    format!("{}:live:", rollout.name)
}

/// The directory of releases, and whose it is.
///
/// # Errors
/// When the live path makes none; a valid one does.
pub fn releases(rollout: &Rollout) -> Result<OwnedDirectory, Failure> {
    let directory = as_path(format!("{}.releases", rollout.application.directory))?;
    Ok(OwnedDirectory { directory, rollout: rollout.name.clone() })
}

/// The application on a production target.
///
/// # Errors
/// As [`releases`].
pub fn site(rollout: &Rollout) -> Result<ReleaseSite, Failure> {
    Ok(ReleaseSite {
        live: rollout.application.directory.clone(),
        releases: releases(rollout)?,
        unit: rollout.application.unit.clone(),
        volatile: rollout.application.volatile.clone(),
    })
}

/// Where the original waits while a release is in use.
///
/// # Errors
/// As [`releases`].
pub fn waiting_original(rollout: &Rollout) -> Result<AbsolutePath, Failure> {
    as_path(format!("{}/original", releases(rollout)?.directory))
}

/// Where the session files are, whichever tree is live.
///
/// # Errors
/// As [`releases`].
pub fn session_files(rollout: &Rollout) -> Result<AbsolutePath, Failure> {
    as_path(format!("{}/shared/{}", releases(rollout)?.directory, copy_layout::SESSION_FILES))
}

/// Where a release is.
///
/// # Errors
/// As [`releases`].
pub fn release(rollout: &Rollout, name: &ReleaseName) -> Result<AbsolutePath, Failure> {
    as_path(format!("{}/{name}", releases(rollout)?.directory))
}

/// Where the original is while the live path names this.
///
/// # Errors
/// As [`releases`].
pub fn original(rollout: &Rollout, live: &LiveTree) -> Result<AbsolutePath, Failure> {
    match live {
        LiveTree::Original => Ok(rollout.application.directory.clone()),
        LiveTree::Release(_) | LiveTree::Foreign(_) => waiting_original(rollout),
    }
}

/// How many workers phase 3 recommends; `None` before phase 3.
///
/// # Errors
/// When the fact is no number.
pub fn recommended_workers(facts: &Facts) -> Result<Option<u32>, Failure> {
    RECOMMENDED_WORKERS.read(facts).map_err(|wrong| Failure::from(wrong).hint("`migrate phase 3` finds it again"))
}

/// The configuration file that Gunicorn's command line names, as written there; the last one counts.
pub fn named_configuration<'a>(words: &[&'a str]) -> Option<&'a str> {
    let apart = |at: usize| words.get(at + 1).filter(|_| matches!(words[at], "-c" | "--config")).copied();
    let joined = |at: usize| {
        let short = || words[at].strip_prefix("-c").filter(|rest| !rest.is_empty());
        words[at].strip_prefix("--config=").or_else(short)
    };
    (0..words.len()).rev().find_map(|at| apart(at).or_else(|| joined(at)))
}

/// One of the files above, in a release or at the live path.
///
/// # Errors
/// When it is no path; none of the above.
pub fn below(directory: &AbsolutePath, path: &str) -> Result<AbsolutePath, Failure> {
    as_path(format!("{directory}/{path}"))
}
