//! Cancellation: one switch, thrown by a signal, seen at every wait.

use tokio::sync::watch;

/// Which signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// SIGHUP: the terminal or the connection is gone.
    HangUp,
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// The signal's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HangUp => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// The switch. Clones share it.
#[derive(Debug, Clone)]
pub struct Cancel {
    sender: watch::Sender<Option<Signal>>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self { sender: watch::Sender::new(None) }
    }
}

impl Cancel {
    /// Throws the switch. The first signal counts.
    pub fn throw(&self, signal: Signal) {
        self.sender.send_if_modified(|thrown| {
            let is_first = thrown.is_none();
            *thrown = thrown.or(Some(signal));
            is_first
        });
    }

    /// The signal, when the switch was thrown.
    pub fn thrown(&self) -> Option<Signal> {
        *self.sender.borrow()
    }

    /// Waits until the switch is thrown.
    pub async fn wait(&self) -> Signal {
        let mut receiver = self.sender.subscribe();
        loop {
            if let Some(signal) = *receiver.borrow_and_update() {
                return signal;
            }
            // The sender is ours: it cannot be gone. Waiting forever is what "never thrown" means.
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
