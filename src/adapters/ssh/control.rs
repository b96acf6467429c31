//! Where the control sockets of this process live, and what earlier processes left there.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::core::Failure;

const PREFIX: &str = "migrate-ssh-";

/// A UNIX socket's path is at most 104 (macOS) or 108 bytes long. To the directory come ours (20), openssh's (23),
/// `/master` (7), and the 17 that ssh appends while it binds.
const LONGEST_BASE: usize = 104 - 20 - 23 - 7 - 17 - 1;

/// An ssh master that lost its migrate ends after 60 idle seconds: what is older and answers nobody is garbage.
const STALE: Duration = Duration::from_secs(120);

/// A directory of this process only (mode 0700), removed when dropped. What a killed `migrate` left is removed first.
///
/// # Errors
/// `Permanent` when it cannot be made.
pub(super) fn directory() -> Result<TempDir, Failure> {
    let base = base();
    sweep(&base);
    tempfile::Builder::new()
        .prefix(PREFIX)
        .tempdir_in(&base)
        .map_err(|error| Failure::permanent(format!("cannot make a directory for ssh in {}: {error}", base.display())))
}

/// The user's runtime directory, or the temporary one, or /tmp when the others' names are too long for a socket.
fn base() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .into_iter()
        .chain([std::env::temp_dir()])
        .find(|path| path.is_absolute() && path.is_dir() && path.as_os_str().len() <= LONGEST_BASE)
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Removes the directories of processes that were killed. Never fails: it is only tidying.
fn sweep(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    let Ok(ours) = std::fs::metadata("/proc/self").map(|data| data.uid()) else { return };
    for entry in entries.flatten() {
        let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if named && is_abandoned(&entry.path(), ours).unwrap_or(false) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn is_abandoned(directory: &Path, ours: u32) -> io::Result<bool> {
    let data = std::fs::symlink_metadata(directory)?;
    let age = SystemTime::now().duration_since(data.modified()?).unwrap_or_default();
    if !data.is_dir() || data.uid() != ours || age < STALE {
        return Ok(false);
    }
    let mut sessions = 0;
    for session in std::fs::read_dir(directory)? {
        let session = session?;
        let idle = SystemTime::now().duration_since(session.metadata()?.modified()?).unwrap_or_default();
        if idle < STALE || UnixStream::connect(session.path().join("master")).is_ok() {
            return Ok(false);
        }
        sessions += 1;
    }
    // An empty one belongs to a process that has not connected yet, unless it is old.
    Ok(sessions > 0 || age > STALE * 720)
}
