//! Phase 2 from its beginning to its end, and its rollback.

use std::time::{Duration, Instant};

use super::{COPY, assert_no_copy, keys_of_the_copy};
use crate::fixture::Lab;
use crate::hosts::{on_host, original, store_token};
use crate::pace::edit_rollout;

#[test]
fn phase_2_forward_and_back() {
    let lab = Lab::up();
    // How strict a comparison is has tests of its own; this one runs beside other labs.
    edit_rollout(&lab, "rounds: 8, round: 3s,", "rounds: 8, round: 1s,");
    edit_rollout(&lab, "slower: 250%, far_slower: 700%", "slower: 2000%, far_slower: 3000%");
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    lab.migrate(&["check", "--for", "3"]).expect(6);

    let plan = lab.migrate(&["plan", "2"]).expect(0);
    assert!(plan.stdout.contains(COPY), "{plan:?}");
    assert_no_copy(&lab);

    let walked = lab.conclude(&["phase", "2"]).expect(0);
    assert_eq!(original(&lab), before);
    assert_eq!(on_host(&lab, "staging", "curl -s http://127.0.0.1:8081/ping").trim(), "{\"status\":\"ok\"}");
    assert!(keys_of_the_copy(&lab) > 0);
    let journal = lab.journal();
    for step in ["2.settings", "2.right-store", "2.data", "2.comparison", "2.rehearsal"] {
        let judged = format!("\"type\":\"gate_judged\",\"data\":{{\"step\":\"{step}\",\"verdict\":\"pass\"");
        assert!(journal.contains(&judged), "{step}: {walked:?}");
    }
    lab.migrate(&["check", "--for", "3"]).expect(0);
    let checked = lab.migrate(&["check"]).expect(0);
    for item in ["DataFrames serialize correctly", "No performance degradation"] {
        assert!(checked.stdout.contains(&format!("- [x] {item}")), "{item}: {checked:?}");
    }
    // The output and the journal do not contain the store's token.
    let token = store_token(&lab);
    assert!(!walked.all().contains(token.as_str()) && !journal.contains(token.as_str()));

    let began = Instant::now();
    lab.migrate(&["rollback", "--to", "1", "--reason", "the test goes back"]).expect(0);
    assert!(began.elapsed() < Duration::from_secs(60), "a rollback of phase 2 takes seconds");
    assert_no_copy(&lab);
    assert_eq!(keys_of_the_copy(&lab), 0);
    assert_eq!(original(&lab), before);
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    assert_eq!(original(&lab), before);
    lab.assert_nothing_left();
}
