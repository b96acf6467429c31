//! How many connections are open at once, whatever the number of hosts.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::connection::HostConnection;

/// The maximum number of open connections. Each is an ssh process here and a session there. What asks many hosts asks eight
/// at a time, and beside that little is open for long, so that the next step finds the connections of the last one still
/// there.
const MAX_CONNECTIONS: usize = 16;

/// The connections that are open or being opened, the one used longest ago first.
#[derive(Default)]
pub(super) struct OpenConnections {
    // Weak: each connection owns, through its settings, this.
    recent: Mutex<Vec<Weak<HostConnection>>>,
}

impl OpenConnections {
    /// Notes that this one is used now.
    pub(super) fn used(&self, connection: &Arc<HostConnection>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        bring_forward(&mut recent, connection);
    }

    /// Notes that this one could not be opened.
    pub(super) fn forget(&self, connection: &Arc<HostConnection>) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| !is(known, connection));
    }

    /// Notes that this one is about to be opened, and closes those that nothing goes through, from the one used longest
    /// ago on, until there is room. Never waits for one that is in use: whoever holds it may be waiting for this one.
    pub(super) async fn make_room_for(&self, connection: &Arc<HostConnection>) {
        let mut idle = Vec::new();
        {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            bring_forward(&mut recent, connection);
            let mut over = recent.len().saturating_sub(MAX_CONNECTIONS);
            recent.retain(|known| {
                if over == 0 {
                    return true;
                }
                // One that was dropped takes no room.
                let Some(known) = known.upgrade() else { return false };
                let Ok(session) = known.take_idle() else { return true };
                idle.extend(session);
                over -= 1;
                false
            });
        }
        for session in idle {
            session.close().await;
        }
    }
}

fn bring_forward(recent: &mut Vec<Weak<HostConnection>>, connection: &Arc<HostConnection>) {
    recent.retain(|known| known.strong_count() > 0 && !is(known, connection));
    recent.push(Arc::downgrade(connection));
}

fn is(known: &Weak<HostConnection>, connection: &Arc<HostConnection>) -> bool {
    std::ptr::eq(known.as_ptr(), Arc::as_ptr(connection))
}
