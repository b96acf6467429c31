//! Scripts of `command` steps: whole or not at all, bounded, and honest about what is not known.

use std::fs;
use std::time::Duration;

use migrate::core::{FailureClass, Outcome};
use migrate::ports::{Script, TargetsWrite, WritableTarget};

use crate::support::permits;
use crate::support::sshd::Sshd;
use crate::support::until::until;

fn script(text: impl Into<String>) -> Script {
    Script(text.into())
}

#[tokio::test]
async fn a_script_has_a_code_and_two_outputs() {
    let sshd = Sshd::start();
    let output = sshd.reader().check(&script("echo out; echo err >&2; exit 3")).await.expect("output");
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (3, "out\n", "err\n"));
}

#[tokio::test]
async fn every_exit_code_arrives() {
    let sshd = Sshd::start();
    let reader = sshd.reader();
    for code in [0, 1, 121, 122, 124, 127, 255] {
        let output = reader.check(&script(format!("exit {code}"))).await.expect("output");
        assert_eq!(output.code, code);
    }
    assert_eq!(reader.check(&script("no-such-command")).await.expect("output").code, 127);
    assert_eq!(reader.check(&script("kill -9 $(sh -c 'echo $PPID')")).await.expect("output").code, 137);
    assert_ne!(reader.check(&script("if then")).await.expect("output").code, 0, "a syntax error");
}

#[tokio::test]
async fn a_command_that_reads_its_input_does_not_swallow_the_rest() {
    let sshd = Sshd::start();
    let output = sshd.reader().check(&script("cat\necho still here\n")).await.expect("output");
    assert_eq!(output.stdout, "still here\n");
}

#[tokio::test]
async fn long_outputs_keep_their_end_and_long_scripts_arrive() {
    let sshd = Sshd::start();
    let text = format!("# {}\nseq 1 100000; echo é >&2; exit 7\n", "x".repeat(300_000));
    let output = sshd.reader().check(&script(text)).await.expect("output");
    assert_eq!(output.code, 7);
    assert!(output.stdout.ends_with("99999\n100000\n") && output.stdout.len() <= 64 * 1024);
    assert_eq!(output.stderr, "é\n");
}

#[tokio::test]
async fn a_daemon_does_not_hold_a_script_up() {
    let sshd = Sshd::start();
    let started = std::time::Instant::now();
    let output = sshd.reader().check(&script("sleep 60 & echo started")).await.expect("output");
    assert_eq!((output.code, output.stdout.as_str()), (0, "started\n"));
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_script_that_does_not_arrive_whole_does_not_run() {
    let boot = include_str!("../../src/adapters/ssh/scripts/boot.sh");
    let directory = tempfile::tempdir().expect("a directory");
    let whole = "touch first\ntouch second\n";
    for shell in ["sh", "dash", "bash"] {
        for length in 0..=whole.len() {
            let mut child = std::process::Command::new(shell)
                .args(["-c", boot, "sh", &whole.len().to_string()])
                .current_dir(directory.path())
                .stdin(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("a shell: install dash and bash");
            let mut input = child.stdin.take().expect("an input");
            std::io::Write::write_all(&mut input, &whole.as_bytes()[..length]).expect("written");
            drop(input);
            let code = child.wait().expect("ended").code();
            let ran = fs::read_dir(directory.path()).expect("directory").count();
            let expected = if length == whole.len() { (Some(0), 2) } else { (Some(122), 0) };
            assert_eq!((code, ran), expected, "{shell}, {length} bytes");
        }
        fs::remove_file(directory.path().join("first")).expect("remove");
        fs::remove_file(directory.path().join("second")).expect("remove");
    }
}

#[tokio::test]
async fn a_write_whose_connection_is_lost_may_have_happened() {
    let sshd = Sshd::start();
    let hosts = sshd.hosts();
    let writer = hosts.writer(&WritableTarget::staging(&permits::rollout()));
    let marker = sshd.path("marker");
    let text = script(format!("touch '{}'; sleep 30", marker.display()));
    let running = tokio::spawn({
        let writer = writer.clone();
        async move { writer.execute(&permits::apply(), &text).await }
    });
    until("the script runs", async || marker.exists()).await;
    sshd.kill_sessions();
    let failure = running.await.expect("no panic").expect_err("lost");
    assert_eq!((failure.outcome, failure.failure.class), (Outcome::Unknown, FailureClass::Transient), "{failure}");
    // And the next one finds a new connection.
    let output = writer.revert(&permits::undo(), &script(format!("rm '{}'", marker.display()))).await.expect("output");
    assert_eq!(output.code, 0);
    assert!(!marker.exists());
}

#[tokio::test]
async fn a_write_to_a_host_that_is_not_there_is_clean() {
    let mut sshd = Sshd::start();
    sshd.kill();
    let writer = sshd.hosts().writer(&WritableTarget::staging(&permits::rollout()));
    let failure = writer.execute(&permits::apply(), &script("true")).await.expect_err("nobody there");
    assert_eq!((failure.outcome, failure.failure.class), (Outcome::Clean, FailureClass::Transient), "{failure}");
}
