//! `migrate unlock --force` under a live process: it stops before its next write, in the journal and in the world.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use migrate::core::Phase;
use migrate::engine::Stop;
use migrate::journal::MemoryJournal;
use migrate::ports::{JournalFault, JournalStore};
use migrate::sim::Fault;

use crate::stage::Stage;

/// A journal whose lock can be taken away.
struct Stealable {
    journal: MemoryJournal,
    stolen: Arc<AtomicBool>,
    /// Steals it by itself when it is asked for the nth time.
    after: usize,
    asked: AtomicUsize,
}

impl JournalStore for Stealable {
    fn load(&mut self) -> Result<Vec<u8>, JournalFault> {
        self.journal.load()
    }

    fn truncate(&mut self, length: u64) -> Result<(), JournalFault> {
        self.journal.truncate(length)
    }

    fn append(&mut self, line: &[u8]) -> Result<(), JournalFault> {
        if self.stolen.load(Ordering::SeqCst) {
            return Err(JournalFault::LeaseLost("stolen".into()));
        }
        self.journal.append(line)
    }

    fn confirm(&self) -> Result<(), JournalFault> {
        if self.asked.fetch_add(1, Ordering::SeqCst) + 1 >= self.after {
            self.stolen.store(true, Ordering::SeqCst);
            return Err(JournalFault::LeaseLost("stolen".into()));
        }
        Ok(())
    }
}

fn stealable(after: usize) -> Stealable {
    let (journal, stolen) = (MemoryJournal::default(), Arc::default());
    Stealable { journal, stolen, after, asked: AtomicUsize::default() }
}

fn is_lost(ended: &Result<(), Stop>) -> bool {
    matches!(ended, Err(Stop::Journal(JournalFault::LeaseLost(_))))
}

#[tokio::test]
async fn every_first_call_asks_for_the_lease() {
    for after in 1..=4 {
        let stage = Stage::new();
        let mut engine = stage.engine(Box::new(stealable(after))).expect("it is ours");
        let ended = engine.phase(Phase::Infrastructure).await;
        assert!(is_lost(&ended), "{ended:?}");
        assert_eq!(stage.world.writes().len(), after - 1, "no write after the lease was lost");
    }
}

#[tokio::test]
async fn a_call_that_is_repeated_asks_again() {
    let stage = Stage::new();
    stage.world.fail_write(1, Fault::LostBefore);
    let mut engine = stage.engine(Box::new(stealable(2))).expect("it is ours");
    let ended = engine.phase(Phase::Infrastructure).await;
    assert!(is_lost(&ended), "{ended:?}");
    assert_eq!(stage.world.writes().len(), 1, "the one in flight, and not its repetition");
}

#[tokio::test]
async fn an_undo_that_is_repeated_asks_again() {
    let stage = Stage::new();
    let first = stealable(usize::MAX);
    let journal = first.journal.clone();
    let mut engine = stage.engine(Box::new(first)).expect("it is ours");
    engine.phase(Phase::Infrastructure).await.expect("nothing goes wrong");
    engine.close().expect("it is still ours");
    let before = stage.world.writes().len();
    stage.world.fail_write(1, Fault::LostBefore);
    let mut engine = stage.engine(Box::new(Stealable { journal, ..stealable(2) })).expect("it is ours again");
    let ended = engine.rollback(Phase::Preflight, None).await;
    assert!(is_lost(&ended), "{ended:?}");
    assert_eq!(stage.world.writes().len(), before + 1, "the one in flight, and not its repetition");
}
