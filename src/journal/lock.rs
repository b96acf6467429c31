//! One writer at a time: a lock of the operating system, which a crash lets go of by itself, and beside it who holds
//! it, for what, and when they were last seen.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::Holder;
use crate::ports::JournalFault;

/// How often a holder says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Who holds the lock. Informs people; the lock itself is the operating system's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockInfo {
    /// Who.
    pub holder: Holder,
    /// For what.
    pub reason: String,
    /// Since when.
    pub taken_at: jiff::Timestamp,
    /// When they were last seen alive.
    pub heartbeat_at: jiff::Timestamp,
}

/// The lock, held. Dropping it, or dying, lets go.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
    inode: u64,
    heart: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What inspecting the lock found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockState {
    /// Nobody holds it.
    Free,
    /// Somebody does.
    Held(Option<LockInfo>),
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> JournalFault + '_ {
    move |error| JournalFault::Io(format!("{}: {error}", path.display()))
}

fn read_info(file: &mut File) -> Option<LockInfo> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_info(file: &mut File, info: &LockInfo) -> std::io::Result<()> {
    let text = serde_json::to_string(info)?;
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

fn open(path: &Path) -> Result<File, JournalFault> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io(path))
}

impl Lock {
    /// Takes the lock, or says who has it.
    ///
    /// # Errors
    /// `Locked` when somebody else holds it.
    pub fn take(path: &Path, holder: Holder, reason: &str, now: jiff::Timestamp) -> Result<Self, JournalFault> {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(read_info(&mut file))),
            Err(TryLockError::Error(error)) => return Err(io(path)(error)),
        }
        let info = LockInfo { holder, reason: reason.to_owned(), taken_at: now, heartbeat_at: now };
        write_info(&mut file, &info).map_err(io(path))?;
        let inode = file.metadata().map_err(io(path))?.ino();
        let heart = file.try_clone().ok().map(|file| beat(file, info));
        Ok(Self { path: path.to_owned(), file, inode, heart })
    }

    /// Whether the lock file is still the one we locked: `migrate unlock --force` replaces it.
    ///
    /// # Errors
    /// `LeaseLost` when it is not.
    pub fn confirm(&self) -> Result<(), JournalFault> {
        let current = std::fs::metadata(&self.path).map(|metadata| metadata.ino());
        match current {
            Ok(inode) if inode == self.inode => Ok(()),
            _ => Err(JournalFault::LeaseLost(format!("{} was removed by `migrate unlock`", self.path.display()))),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((stop, heart)) = self.heart.take() {
            drop(stop);
            // The thread only writes a heartbeat; that it has ended is all we need to know.
            let _ = heart.join();
        }
        // Unlocked by closing too; the empty file says that nobody is left.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Says every few seconds that we are alive, until the sender is dropped.
#[expect(clippy::disallowed_methods, reason = "a heartbeat in a thread of its own, on the wall clock that people read")]
fn beat(mut file: File, mut info: LockInfo) -> (Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = channel::<()>();
    let heart = std::thread::spawn(move || {
        while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
            info.heartbeat_at = jiff::Timestamp::now();
            if write_info(&mut file, &info).is_err() {
                break;
            }
        }
    });
    (stop, heart)
}

fn locked(info: Option<LockInfo>) -> JournalFault {
    let unknown = || "unknown".to_owned();
    JournalFault::Locked {
        holder: info.as_ref().map_or_else(unknown, |info| info.holder.to_string()),
        since: info.as_ref().map_or_else(unknown, |info| format!("{:.0}", info.taken_at)),
        reason: info.as_ref().map_or_else(unknown, |info| info.reason.clone()),
        heartbeat: info.as_ref().map_or_else(unknown, |info| format!("{:.0}", info.heartbeat_at)),
    }
}

/// Looks who holds the lock, without taking it.
///
/// # Errors
/// When the file cannot be read.
pub fn inspect_lock(path: &Path) -> Result<LockState, JournalFault> {
    // For reading only: another account, or a read-only directory, must not prevent the question.
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(LockState::Free),
        Err(error) => return Err(io(path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(LockState::Free),
        Err(TryLockError::WouldBlock) => Ok(LockState::Held(read_info(&mut file))),
        Err(TryLockError::Error(error)) => Err(io(path)(error)),
    }
}

/// Refuses while somebody holds the lock, without taking it.
///
/// # Errors
/// `Locked`, with who and for what.
pub fn refuse_locked(path: &Path) -> Result<(), JournalFault> {
    match inspect_lock(path)? {
        LockState::Free => Ok(()),
        LockState::Held(info) => Err(locked(info)),
    }
}

/// Takes the lock away from its holder: the file is removed, and the holder finds out before its next append.
///
/// # Errors
/// When the file cannot be removed.
pub fn break_lock(path: &Path) -> Result<(), JournalFault> {
    std::fs::remove_file(path).map_err(io(path))
}
