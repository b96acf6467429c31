//! Copies that are unfit for phase 2 and are stopped before a load: each at the step that is there to notice, and rolled back
//! cleanly.

use super::{assert_no_copy, set_in_the_copy, stops};
use crate::fixture::{Lab, PHASES};
use crate::hosts::on_host;
use crate::pace::{own_phases, shorten_comparison};

#[test]
fn a_copy_that_writes_into_the_original_s_log() {
    let strays = |lab: &Lab| set_in_the_copy(lab, "VARIANT", "strays");
    stops("a log in the original's tree", strays, "2.process", "ChatMRPT/logs/stray.log");
}

#[test]
fn a_variable_that_is_not_read() {
    let unread = |lab: &Lab| set_in_the_copy(lab, "CHATMRPT_NOBODY_READS_THIS", "1");
    stops("a variable nobody reads", unread, "2.settings", "no code reads CHATMRPT_NOBODY_READS_THIS");
}

#[test]
fn an_interpreter_that_lacks_a_package() {
    // The machine's own virtualenv cannot be changed: the application asks for one package more than it has.
    let lacking = |lab: &Lab| {
        let edit = "printf '\\nif \"redis-test\" in __file__:\\n    import chatmrpt_geocoder\\n' >>ChatMRPT/run.py";
        on_host(lab, "staging", edit);
    };
    stops("a package is missing", lacking, "2.copy", "chatmrpt_geocoder");
}

#[test]
fn a_copy_that_lacks_a_module_only_uploads_need() {
    let late = |lab: &Lab| set_in_the_copy(lab, "VARIANT", "late-import-error");
    stops("late import", late, "2.settings", "POST /upload");
}

#[test]
fn a_table_that_comes_back_with_another_type() {
    let lab = Lab::up();
    shorten_comparison(&lab);
    own_phases(&lab);
    // Encoded faithfully, decoded as if whole numbers were fractions: what a careless serializer does.
    let damage = "
_faithful = decode

def decode(data):
    session = _faithful(data)
    for name, value in session.items():
        if type(value).__name__ == 'DataFrame':
            whole = [column for column in value.columns if str(value[column].dtype) == 'int64']
            session[name] = value.astype({column: 'float64' for column in whole})
    return session
";
    let file = lab.path().join(PHASES).join("session_bridge/migrate_sessions/codec/__init__.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text + damage).unwrap();
    lab.migrate(&["phase", "1"]).expect(0);
    let said = lab.conclude(&["phase", "2"]).expect(5);
    assert!(said.stderr.contains("float64"), "{said:?}");
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
}

#[test]
fn an_application_on_the_wrong_store() {
    let lab = Lab::up();
    shorten_comparison(&lab);
    own_phases(&lab);
    // As Flask-Session does when it does not understand its configuration: localhost, and only a warning.
    let file = lab.path().join(PHASES).join("session_bridge/migrate_sessions/redis_store.py");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("def client(settings"), "{text}");
    let text = text.replacen("def client(settings", "def _client(settings", 1);
    std::fs::write(file, text + "\n\ndef client(settings):\n    import redis\n    return redis.Redis()\n").unwrap();
    let started = on_host(
        &lab,
        "staging",
        "redis-server --bind 127.0.0.1 --port 6379 --save '' --daemonize yes --dir /tmp >/dev/null && echo started",
    );
    assert_eq!(started.trim(), "started");
    lab.migrate(&["phase", "1"]).expect(0);
    let said = lab.conclude(&["phase", "2"]).expect(5);
    assert!(said.stderr.contains("the copy is on the wrong store"), "{said:?}");
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
}

#[test]
fn a_disk_without_room() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    // Takes no room itself; a copy of the tree would.
    on_host(&lab, "staging", "mkdir -p ChatMRPT/uploads && truncate -s 4T ChatMRPT/uploads/survey.bin");
    let said = lab.conclude(&["phase", "2"]).expect(5);
    assert!(said.stderr.contains("free") && said.stderr.contains("2.copy"), "{said:?}");
    assert_no_copy(&lab);
    on_host(&lab, "staging", "rm ChatMRPT/uploads/survey.bin");
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
}
