//! The lock while another process holds it.

use migrate::core::Holder;
use migrate::journal::{FileJournal, StateDirectory};

use crate::site::{Site, snapshot};

/// A site that is locked for as long as the journal is kept.
pub fn locked() -> (Site, FileJournal) {
    let site = Site::new();
    let state = StateDirectory::new(site.path().join(".migrate"));
    let since = "2026-01-31T09:30:00Z".parse().unwrap();
    let journal = state.open_journal(Holder::new("grace@laptop pid 4711"), "migrate phase 1", since).unwrap();
    (site, journal)
}

#[test]
fn it_says_who_holds_it_and_is_taken_away_by_force() {
    let (site, _journal) = locked();
    let said = [
        site.migrate(&["status"]).expect(0),
        site.migrate(&["rollback"]).expect(7),
        site.migrate(&["unlock"]).expect(7),
        site.migrate(&["unlock", "--force", "--reason", "the laptop is gone"]).expect(0),
        site.migrate(&["unlock"]).expect(0),
    ];
    snapshot!("unlock", said.map(|said| said.transcript_of_now()).join("\n"));
}
