//! Ctrl-C and SIGTERM throw the switch.

use tokio::signal::unix::{SignalKind, signal};

use crate::core::Failure;
use crate::engine::{Cancel, Signal};

/// A switch that the first SIGINT or SIGTERM throws.
///
/// # Errors
/// When the operating system refuses a handler.
pub fn install() -> Result<Cancel, Failure> {
    let refused = |error: std::io::Error| Failure::permanent(format!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let cancel = Cancel::default();
    let switch = cancel.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(()) = interrupt.recv() => switch.throw(Signal::Interrupt),
                Some(()) = terminate.recv() => switch.throw(Signal::Terminate),
                else => break,
            }
        }
    });
    Ok(cancel)
}
