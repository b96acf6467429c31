//! Where the control sockets of this process live, and what earlier processes left there.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::core::Failure;

/// Followed by the process id, so that the directory of a living process is never taken for garbage.
const PREFIX: &str = "migrate-";

/// The maximum length of the base directory's path, in bytes. A UNIX socket's path is at most 104 (macOS) or 108 bytes long. To
/// the directory come ours (23), openssh's (23), `/master` (7), and the 17 that ssh appends while it binds.
const MAX_BASE_BYTES: usize = 104 - 23 - 23 - 7 - 17 - 1;

/// The age at which a control socket without an answer is removed: an ssh master that lost its migrate ends after 60 idle
/// seconds.
const STALE_AFTER: Duration = Duration::from_secs(120);

/// A directory of this process only (mode 0700), removed when dropped. What a killed `migrate` left is removed first.
///
/// # Errors
/// `Permanent` when it cannot be made.
pub(super) fn directory() -> Result<TempDir, Failure> {
    let base = base();
    sweep(&base);
    tempfile::Builder::new()
        .prefix(&format!("{PREFIX}{}-", std::process::id()))
        .tempdir_in(&base)
        .map_err(|error| Failure::permanent(format!("cannot make a directory for ssh in {}: {error}", base.display())))
}

/// The user's runtime directory, or the temporary one, or /tmp when the others' names are too long for a socket.
fn base() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .into_iter()
        .chain([std::env::temp_dir()])
        .find(|path| path.is_absolute() && path.is_dir() && path.as_os_str().len() <= MAX_BASE_BYTES)
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Removes the directories of processes that were killed. Never fails: it is only tidying.
fn sweep(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    let Ok(ours) = std::fs::metadata("/proc/self").map(|data| data.uid()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        let Some(process) = process else { continue };
        let living = Path::new(&format!("/proc/{process}")).exists();
        if !living && is_abandoned(&entry.path(), ours).unwrap_or(false) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a dead process's directory is of no use to an ssh master either.
fn is_abandoned(directory: &Path, ours: u32) -> io::Result<bool> {
    let data = std::fs::symlink_metadata(directory)?;
    let age = SystemTime::now().duration_since(data.modified()?).unwrap_or_default();
    if !data.is_dir() || data.uid() != ours || age < STALE_AFTER {
        return Ok(false);
    }
    for session in std::fs::read_dir(directory)? {
        if UnixStream::connect(session?.path().join("master")).is_ok() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::net::UnixListener;
    use std::time::{Duration, SystemTime};

    #[test]
    fn only_what_nobody_needs_is_swept() {
        let base = tempfile::tempdir().expect("a directory");
        // Above every kernel's highest process id.
        let dead = u32::MAX;
        let plant = |name: String, old: bool| {
            let directory = base.path().join(name);
            fs::create_dir_all(directory.join("session")).expect("directories");
            if old {
                let then = SystemTime::now() - Duration::from_secs(600);
                File::open(&directory).and_then(|file| file.set_modified(then)).expect("a time");
            }
            directory
        };
        let abandoned = plant(format!("migrate-{dead}-a"), true);
        let fresh = plant(format!("migrate-{dead}-b"), false);
        let living = plant(format!("migrate-{}-c", std::process::id()), true);
        let foreign = plant("migrate-notes".into(), true);
        let used = plant(format!("migrate-{dead}-d"), true);
        let _master = UnixListener::bind(used.join("session/master")).expect("a socket");
        super::sweep(base.path());
        assert!(!abandoned.exists());
        assert!(fresh.exists() && living.exists() && foreign.exists() && used.exists());
    }
}
