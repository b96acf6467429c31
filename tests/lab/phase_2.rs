//! Phase 2: a copy beside the original on staging, forward and back, and everything that has to stop it.

use std::time::{Duration, Instant};

use crate::fixture::{Lab, Said, signal};
use crate::turns::turn_to_measure;

const COPY: &str = "/home/ec2-user/ChatMRPT-redis-test";

/// Everything of the original that must stay as it was: its files, its process and when that started, its unit.
const ORIGINAL: &str = "cd /home/ec2-user/ChatMRPT
find . -path ./flask_session -prune -o -path ./logs -prune -o -name __pycache__ -prune -o -name '*.pid' -prune -o -type f -print0 \
    | sort -z | xargs -0 sha256sum | sha256sum
pid=$(systemctl show -P MainPID chatmrpt); echo \"pid $pid started $(cut -d' ' -f22 /proc/$pid/stat)\"
tr '\\0' ' ' </proc/$pid/cmdline; sha256sum </etc/systemd/system/chatmrpt.service; ls -d /etc/systemd/system/chatmrpt.service.d 2>&1";

/// A shell script on a host; what it printed.
pub fn on_host(lab: &Lab, host: &str, script: &str) -> String {
    let mut entered = lab.enter("ssh");
    entered.arg("-F").arg(lab.path().join("ssh_config")).args([host, script]);
    let said = Said::from(entered.output().unwrap());
    assert_ne!(said.code, 255, "ssh {host}: {said:?}");
    said.stdout
}

/// What must stay as it was.
pub fn original(lab: &Lab) -> String {
    on_host(lab, "staging", ORIGINAL)
}

/// Changes the lab's rollout.yaml; the text to replace must be there.
pub fn edit_rollout(lab: &Lab, from: &str, to: &str) {
    let file = lab.path().join("rollout.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "`{from}` is not in {text}");
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// A lab whose comparison is short: what it is about is tested by the ones that need it long.
fn lab_with_a_short_comparison() -> Lab {
    let lab = Lab::up();
    edit_rollout(&lab, "rounds: 8, round: 3s,", "rounds: 6, round: 1s,");
    edit_rollout(&lab, "slower: 250%, far_slower: 700%", "slower: 500%, far_slower: 900%");
    edit_rollout(&lab, "more_errors: 2%", "more_errors: 5%");
    lab
}

/// The repository's phases, of which a test may change files.
fn own_phases() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("phases");
    let mut copied = std::process::Command::new("cp");
    let copied = copied.arg("-r").arg(format!("{}/.", root.display())).arg(directory.path()).status();
    assert!(copied.unwrap().success());
    directory
}

/// Runs `migrate` with these phases.
fn migrate_with(lab: &Lab, phases: &tempfile::TempDir, words: &[&str]) -> Said {
    let path = phases.path().to_str().unwrap();
    let words: Vec<&str> = words.iter().copied().chain(["--phases", path]).collect();
    lab.migrate(&words)
}

/// Changes a file of the bridge; the text to replace must be there.
fn edit_bridge(phases: &tempfile::TempDir, file: &str, from: &str, to: &str) {
    let file = phases.path().join("session_bridge/migrate_sessions").join(file);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "`{from}` is not in {text}");
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// Sets a variable of the operator's own in the copy's environment.
fn set_in_the_copy(lab: &Lab, name: &str, value: &str) {
    edit_rollout(lab, "    port: 8081\n", &format!("    port: 8081\n    environment: {{ {name}: \"{value}\" }}\n"));
}

/// Nothing of phase 2 is on staging: no directory, no process, nobody on the port, no route, no mark.
fn assert_no_copy(lab: &Lab) {
    let left = on_host(
        lab,
        "staging",
        &format!(
            "ls -d {COPY} .migrate-cut-* 2>/dev/null; pgrep -af 'redis-test|migrate_wsgi|migrate-cut' | grep -v pgrep; \
             ip -4 route show 10.78.0.50/32; curl -s -o /dev/null --max-time 2 http://127.0.0.1:8081/ping && echo 8081 answers; true"
        ),
    );
    assert_eq!(left, "", "left on staging");
}

/// How many keys of the copy the store has, asked from staging.
fn keys_of_the_copy(lab: &Lab) -> usize {
    let token = lab.administrator(
        "print(cloud('secretsmanager').get_secret_value(SecretId='chatmrpt/redis-auth-token')['SecretString'])",
    );
    let authority = std::fs::read_to_string(lab.path().join("redis-ca.pem")).unwrap();
    let program = format!(
        "cat >/tmp/ca.pem <<'X'\n{authority}X\n/home/ec2-user/chatmrpt_env/bin/python - <<'X'\nimport redis\nstore = \
         redis.Redis('master.chatmrpt-sessions.lab.internal', 6379, password='{}', ssl=True, \
         ssl_ca_certs='/tmp/ca.pem')\nprint(sum(1 for _ in store.scan_iter('chatmrpt-sessions:copy:*')))\nX\n",
        token.trim()
    );
    let said = on_host(lab, "staging", &program);
    said.trim().parse().unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn phase_2_forward_and_back() {
    let _turn = turn_to_measure();
    let lab = Lab::up();
    // How strict a comparison is has tests of its own; this one runs beside two other labs.
    edit_rollout(&lab, "slower: 250%, far_slower: 700%", "slower: 2000%, far_slower: 3000%");
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    lab.migrate(&["check", "--for", "3"]).expect(6);

    let plan = lab.migrate(&["plan", "2"]).expect(0);
    assert!(plan.stdout.contains(COPY), "{plan:?}");
    assert_no_copy(&lab);

    let walked = lab.migrate(&["phase", "2"]).expect(0);
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
    // The store's token is nowhere in what was written or said.
    let token = lab.administrator(
        "print(cloud('secretsmanager').get_secret_value(SecretId='chatmrpt/redis-auth-token')['SecretString'])",
    );
    assert!(!walked.all().contains(token.trim()) && !journal.contains(token.trim()));

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

#[test]
fn killed_at_every_step_it_goes_back() {
    let lab = lab_with_a_short_comparison();
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    for step in ["2.copy", "2.bridge", "2.key-space", "2.configuration", "2.process", "2.right-store", "2.data"] {
        let child = lab.start_until(&["phase", "2"], "step_started", step);
        signal(&child, "KILL");
        child.wait_with_output().unwrap();
        lab.migrate(&["rollback", "--to", "1"]).expect(0);
        assert_no_copy(&lab);
        assert_eq!(keys_of_the_copy(&lab), 0, "after {step}");
        assert_eq!(original(&lab), before, "after {step}");
    }
}

#[test]
fn killed_it_goes_on_and_killed_while_the_path_is_cut_the_host_heals_and_the_drill_is_repeated() {
    let _turn = turn_to_measure();
    let lab = lab_with_a_short_comparison();
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    let child = lab.start_until(&["phase", "2"], "step_started", "2.process");
    signal(&child, "KILL");
    child.wait_with_output().unwrap();
    let child = lab.start_until(&["phase", "2"], "step_started", "2.store-loss");
    let is_cut = || on_host(&lab, "staging", "ip -4 route show 10.78.0.50/32").contains("dev lo");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !is_cut() {
        assert!(Instant::now() < deadline, "the path was never cut");
        std::thread::sleep(Duration::from_millis(100));
    }
    signal(&child, "KILL");
    child.wait_with_output().unwrap();
    let deadline = Instant::now() + Duration::from_secs(40);
    while is_cut() {
        assert!(Instant::now() < deadline, "the host did not heal");
        std::thread::sleep(Duration::from_millis(200));
    }
    lab.migrate(&["phase", "2"]).expect(0);
    assert_eq!(lab.journal().matches("\"type\":\"undo_finished\",\"data\":{\"step\":\"2.store-loss\"").count(), 1);
    assert_eq!(original(&lab), before);
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
}

/// One way to be unfit for phase 2: it has to end at the step that is there to notice, say why, and go back cleanly.
fn stops(name: &str, unfit: impl FnOnce(&Lab), step: &str, words: &str) {
    stops_at_one_of(name, unfit, &[step], words);
}

/// The same, for what shows sooner or later.
fn stops_at_one_of(name: &str, unfit: impl FnOnce(&Lab), steps: &[&str], words: &str) {
    let lab = lab_with_a_short_comparison();
    unfit(&lab);
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    let said = lab.migrate(&["phase", "2"]).expect(5);
    assert!(said.stderr.contains(words), "{name}: `{words}` is not in {said:?}");
    let failed =
        |step: &&str| lab.journal().contains(&format!("\"type\":\"step_failed\",\"data\":{{\"step\":\"{step}\""));
    assert!(steps.iter().any(failed), "{name} did not fail at one of {steps:?}: {said:?}");
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
    assert_eq!(original(&lab), before, "{name}");
}

#[test]
fn a_copy_that_writes_into_the_original_s_log() {
    let strays = |lab: &Lab| set_in_the_copy(lab, "VARIANT", "strays");
    stops("a log in the original's tree", strays, "2.process", "ChatMRPT/logs/stray.log");
}

#[test]
fn a_variable_that_nobody_reads() {
    let unread = |lab: &Lab| set_in_the_copy(lab, "CHATMRPT_NOBODY_READS_THIS", "1");
    stops("a variable nobody reads", unread, "2.settings", "nobody reads CHATMRPT_NOBODY_READS_THIS");
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
fn a_copy_that_is_much_slower() {
    let _turn = turn_to_measure();
    let slower = |lab: &Lab| set_in_the_copy(lab, "VARIANT", "slower:200");
    stops("slower", slower, "2.comparison", "times as long");
}

#[test]
fn a_copy_that_takes_users_for_one_another() {
    let _turn = turn_to_measure();
    let bleeds = |lab: &Lab| set_in_the_copy(lab, "VARIANT", "bleeds:3");
    // One answer in three is about somebody else: whoever walks the journeys first may be lucky.
    let steps = ["2.settings", "2.right-store", "2.data", "2.comparison"];
    stops_at_one_of("bleeds", bleeds, &steps, "whoami");
}

#[test]
fn a_copy_that_lacks_a_module_only_uploads_need() {
    let late = |lab: &Lab| set_in_the_copy(lab, "VARIANT", "late-import-error");
    stops("late import", late, "2.settings", "POST /upload");
}

#[test]
fn a_table_that_comes_back_with_another_type() {
    let lab = lab_with_a_short_comparison();
    let phases = own_phases();
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
    let file = phases.path().join("session_bridge/migrate_sessions/codec/__init__.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text + damage).unwrap();
    let migrate = |words: &[&str]| migrate_with(&lab, &phases, words);
    migrate(&["phase", "1"]).expect(0);
    let said = migrate(&["phase", "2"]).expect(5);
    assert!(said.stderr.contains("float64"), "{said:?}");
    migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
}

#[test]
fn an_application_on_the_wrong_store() {
    let lab = lab_with_a_short_comparison();
    let phases = own_phases();
    // As Flask-Session does when it does not understand its configuration: localhost, and only a warning.
    edit_bridge(&phases, "redis_store.py", "def client(settings", "def _client(settings");
    let file = phases.path().join("session_bridge/migrate_sessions/redis_store.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text + "\n\ndef client(settings):\n    import redis\n    return redis.Redis()\n").unwrap();
    let started = on_host(
        &lab,
        "staging",
        "redis-server --bind 127.0.0.1 --port 6379 --save '' --daemonize yes --dir /tmp >/dev/null && echo started",
    );
    assert_eq!(started.trim(), "started");
    let migrate = |words: &[&str]| migrate_with(&lab, &phases, words);
    migrate(&["phase", "1"]).expect(0);
    let said = migrate(&["phase", "2"]).expect(5);
    assert!(said.stderr.contains("the copy is on the wrong store"), "{said:?}");
    migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
}

#[test]
fn a_disk_without_room() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    // Takes no room itself; a copy of the tree would.
    on_host(&lab, "staging", "mkdir -p ChatMRPT/uploads && truncate -s 4T ChatMRPT/uploads/survey.bin");
    let said = lab.migrate(&["phase", "2"]).expect(5);
    assert!(said.stderr.contains("free") && said.stderr.contains("2.copy"), "{said:?}");
    assert_no_copy(&lab);
    on_host(&lab, "staging", "rm ChatMRPT/uploads/survey.bin");
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
}

#[test]
fn a_store_that_nobody_reaches_any_more() {
    let _turn = turn_to_measure();
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    lab.control(&["store", "cut"]);
    let said = lab.migrate(&["phase", "2"]);
    assert!(said.code != 0, "{said:?}");
    lab.control(&["store", "restore"]);
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
    assert_eq!(original(&lab), before);
}
