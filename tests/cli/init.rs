//! `migrate init`.

use crate::site::{Site, snapshot};

#[test]
fn it_writes_a_starter_that_passes_and_never_overwrites() {
    let site = Site::empty();
    let first = site.migrate(&["init"]).expect(0);
    site.migrate(&["check"]).expect(0);
    let again = site.migrate(&["init"]).expect(2);
    snapshot!("init", [first, again].map(|said| said.transcript()).join("\n"));
    site.write("rollout.yaml", "mine");
    site.migrate(&["init", "--force"]).expect(0);
    site.migrate(&["check"]).expect(0);
}
