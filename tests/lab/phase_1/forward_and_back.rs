//! The main job: preflight and phase 1, forward and back.

use crate::fixture::Lab;

#[test]
fn phase_1_forward_and_back() {
    let lab = Lab::up();
    lab.migrate(&["check"]).expect(0);
    let live = lab.migrate(&["check", "--live"]).expect(0);
    assert!(live.stdout.contains("Checklist"), "{live:?}");

    let plan = lab.migrate(&["plan", "1"]).expect(0);
    assert!(plan.stdout.contains("+ create") && plan.stdout.contains("Not touched"), "{plan:?}");
    assert!(plan.stdout.contains("USD a month"), "{plan:?}");
    lab.assert_nothing_left();

    lab.migrate(&["check", "--for", "2"]).expect(6);
    let walked = lab.migrate(&["phase", "1"]).expect(0);
    lab.assert_made_once();
    lab.migrate(&["check", "--for", "2"]).expect(0);
    lab.migrate(&["check", "--for", "done"]).expect(6);

    // What was created is adopted, not made again.
    lab.migrate(&["phase", "1"]).expect(0);
    lab.assert_made_once();

    let next = lab.migrate(&["phase", "3"]).expect(6);
    assert!(next.stderr.contains("phase 2 has not passed"), "{next:?}");

    // The token is nowhere in what we wrote or said.
    let token = lab.administrator(
        "print(cloud('secretsmanager').get_secret_value(SecretId='chatmrpt/redis-auth-token')['SecretString'])",
    );
    let token = token.trim();
    assert!(token.len() >= 16, "a token to look for");
    let status = lab.migrate(&["status", "--output", "json"]).expect(0);
    let log = lab.migrate(&["log", "--output", "json"]).expect(0);
    for text in [walked.all(), status.all(), log.all(), everything_in(&lab.path().join(".migrate"))] {
        assert!(!text.contains(token), "the token leaked");
    }

    let back = lab.migrate(&["rollback", "--to", "0", "--reason", "done here"]).expect(0);
    assert!(back.stdout.contains("nothing of this rollout is left"), "{back:?}");
    lab.assert_nothing_left();
    let again = lab.migrate(&["rollback"]).expect(0);
    assert!(again.stdout.contains("nothing to roll back"), "{again:?}");

    // And forward once more: a rollback leaves the way open.
    lab.migrate(&["phase", "1"]).expect(0);
    lab.migrate(&["rollback"]).expect(0);
    lab.assert_nothing_left();
}

fn everything_in(directory: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&everything_in(&path));
        } else {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        }
    }
    text
}
