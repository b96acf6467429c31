//! SIGHUP, SIGINT and SIGTERM throw the switch.

use tokio::signal::unix::{SignalKind, signal};

use crate::core::Failure;
use crate::engine::{Cancel, Signal};

/// The bit of SIGHUP (1) in a mask of `/proc/self/status`. (proc_pid_status(5))
const SIGHUP_BIT: u64 = 1;

/// A switch that the first SIGHUP, SIGINT or SIGTERM throws.
///
/// # Errors
/// When the operating system refuses a handler.
pub fn install() -> Result<Cancel, Failure> {
    let refused = |error: std::io::Error| Failure::permanent(format!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let mut hang_up = match ignores_hang_up() {
        true => None,
        false => Some(signal(SignalKind::hangup()).map_err(refused)?),
    };
    let cancel = Cancel::default();
    let switch = cancel.clone();
    tokio::spawn(async move {
        loop {
            let hung_up = async {
                match hang_up.as_mut() {
                    Some(hang_up) => hang_up.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(()) = hung_up => switch.throw(Signal::HangUp),
                Some(()) = interrupt.recv() => switch.throw(Signal::Interrupt),
                Some(()) = terminate.recv() => switch.throw(Signal::Terminate),
                else => break,
            }
        }
    });
    Ok(cancel)
}

/// Whether this process was started with SIGHUP ignored, by `nohup`: a handler would undo that. Where there is no `/proc`,
/// it is taken as not ignored.
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_signals(&status) & SIGHUP_BIT != 0
}

/// The signals that a process ignores, from its `/proc/PID/status`: a bit each, the lowest is signal 1.
fn ignored_signals(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = |mask: &str| format!("Name:\tmigrate\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t0\n");
        assert_eq!(ignored_signals(&status("0000000000000001")) & SIGHUP_BIT, 1);
        assert_eq!(ignored_signals(&status("0000000000001000")) & SIGHUP_BIT, 0);
        assert_eq!((ignored_signals(&status("?")), ignored_signals("")), (0, 0));
    }
}
