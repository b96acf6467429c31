//! Connections: keys, hosts that are not there, hosts that go and come back.

use std::process::Command;
use std::time::{Duration, Instant};

use migrate::core::FailureClass;
use migrate::core::rollout::Ssh;
use migrate::ports::{Endpoint, Reachability, Script, TargetsRead};

use crate::support::process::{CLOSED_PORT, free_port, run};
use crate::support::sshd::{Sshd, staging};
use crate::support::until::{until, until_within};

#[tokio::test]
async fn hello_says_who_we_are() {
    let sshd = Sshd::start();
    let account = run(Command::new("id").arg("-un"), "coreutils").stdout;
    assert_eq!(sshd.reader().hello().await.expect("hello"), String::from_utf8_lossy(&account).trim());
}

#[tokio::test]
async fn an_unknown_host_key_is_refused_and_explained() {
    let sshd = Sshd::start();
    sshd.trust_nobody();
    let failure = sshd.reader().hello().await.expect_err("unknown key");
    assert_eq!(failure.class, FailureClass::Permanent, "{failure}");
    assert!(failure.message.contains("not known"), "{failure}");
    assert!(failure.hint.is_some_and(|hint| hint.contains("ssh-keyscan")));
}

#[tokio::test]
async fn a_changed_host_key_is_refused_loudly() {
    let sshd = Sshd::start();
    sshd.trust("other-host.pub");
    let failure = sshd.reader().hello().await.expect_err("changed key");
    assert_eq!(failure.class, FailureClass::Permanent, "{failure}");
    assert!(failure.message.contains("HAS CHANGED"), "{failure}");
}

#[tokio::test]
async fn a_refused_key_is_not_a_matter_of_permissions() {
    let sshd = Sshd::start();
    sshd.client_configuration("other-user", sshd.port);
    let failure = sshd.reader().hello().await.expect_err("wrong key");
    // Denied would end in "waiting for permissions", which is about IAM.
    assert_eq!(failure.class, FailureClass::Permanent, "{failure}");
    assert!(failure.message.contains("does not accept your key"), "{failure}");
}

#[tokio::test]
async fn a_host_that_is_not_there_may_come_back() {
    let sshd = Sshd::start();
    sshd.client_configuration("user", CLOSED_PORT);
    let failure = sshd.reader().hello().await.expect_err("nobody there");
    assert_eq!(failure.class, FailureClass::Transient, "{failure}");
    assert!(failure.message.contains("refused"), "{failure}");
}

#[tokio::test]
async fn a_silent_host_is_given_up_in_time() {
    let sshd = Sshd::start();
    // Listens and never says a word.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    sshd.client_configuration("user", silent.local_addr().expect("address").port());
    let ssh = Ssh { config: Some("ssh_config".into()), connect_timeout: Duration::from_secs(2).into() };
    let hosts = migrate::adapters::Hosts::new(&ssh, sshd.directory.path());
    let started = Instant::now();
    let failure = hosts.reader(&staging()).hello().await.expect_err("silence");
    assert_eq!(failure.class, FailureClass::Transient, "{failure}");
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_lost_connection_is_opened_again() {
    let mut sshd = Sshd::start();
    let reader = sshd.reader();
    reader.hello().await.expect("hello");
    sshd.kill();
    let failure = reader.hello().await.expect_err("killed");
    assert_eq!(failure.class, FailureClass::Transient, "{failure}");
    sshd.restart();
    reader.hello().await.expect("hello again");
}

#[tokio::test]
async fn one_connection_serves_many_at_once() {
    let sshd = Sshd::start();
    let reader = sshd.reader();
    let started = Instant::now();
    let all = (0..8).map(|_| {
        let reader = reader.clone();
        tokio::spawn(async move { reader.hello().await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.expect("no panic").expect("hello");
    }
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn of_many_hosts_only_some_are_connected_at_once_and_none_that_is_in_use_is_cut() {
    let sshd = Sshd::with("MaxStartups 100");
    let (hosts, needle) = (sshd.hosts(), sshd.path("ssh_config").display().to_string());
    let named = |number: usize| hosts.reader(&format!("host-{number}").parse().expect("a host"));
    // In use from the first host to the last: until this file has gone.
    let held = sshd.path("held");
    std::fs::write(&held, "").expect("a file");
    let waits = Script(format!("while [ -e {} ]; do sleep 0.05; done; echo whole", held.display()));
    let busy = named(0);
    busy.hello().await.expect("hello");
    let own = masters_of(&needle, "host-0");
    assert_eq!(own.len(), 1, "{own:?}");
    let in_use = tokio::spawn(async move { busy.check(&waits).await });
    let mut most = 0;
    for wave in 0..3 {
        let wave: Vec<_> = (1..=8).map(|place| named(wave * 8 + place)).collect();
        let asked = wave.into_iter().map(|reader| tokio::spawn(async move { reader.hello().await }));
        for one in asked.collect::<Vec<_>>() {
            one.await.expect("no panic").expect("hello");
        }
        most = most.max(masters(&needle));
    }
    // A master that was told to end goes on with what goes through it, under another name, and takes nothing new.
    assert_eq!(masters_of(&needle, "host-0"), own);
    assert!((8..=24).contains(&most), "{most} masters");
    std::fs::remove_file(&held).expect("removed");
    assert_eq!(in_use.await.expect("no panic").expect("an answer").stdout.trim(), "whole");
    // Those that were closed are opened again, and the rest end.
    named(1).hello().await.expect("hello again");
    until("at most 16 masters are left", async || masters(&needle) <= 16).await;
}

#[tokio::test]
async fn nothing_is_left_when_the_hosts_are_dropped() {
    let sshd = Sshd::start();
    let hosts = sshd.hosts();
    hosts.reader(&staging()).hello().await.expect("hello");
    let needle = sshd.path("ssh_config").display().to_string();
    assert_eq!(masters(&needle), 1);
    drop(hosts);
    until("no ssh master is left", async || masters(&needle) == 0).await;
}

/// Run by the next test in a process of its own, to be killed.
#[tokio::test]
#[ignore = "run by a_killed_process_leaves_nothing_for_long"]
async fn child_to_be_killed() {
    let directory = std::env::var("MIGRATE_TEST_SSHD").expect("run by the other test");
    let connect_timeout = Duration::from_secs(5).into();
    let ssh = Ssh { config: Some("ssh_config".into()), connect_timeout };
    let hosts = migrate::adapters::Hosts::new(&ssh, std::path::Path::new(&directory));
    hosts.reader(&staging()).hello().await.expect("hello");
    let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
}

#[tokio::test]
async fn a_killed_process_leaves_nothing_for_long() {
    let sshd = Sshd::start();
    let needle = sshd.path("ssh_config").display().to_string();
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "connection::child_to_be_killed"])
        .env("MIGRATE_TEST_SSHD", sshd.directory.path())
        .stdout(std::process::Stdio::null())
        .status()
        .expect("a child");
    assert!(!status.success(), "it was to be killed");
    assert_eq!(masters(&needle), 1);
    // A new run works at once, and its end leaves the old master only.
    sshd.reader().hello().await.expect("hello");
    until_within(Duration::from_secs(150), "no ssh master is left", async || masters(&needle) == 0).await;
}

/// ssh processes with this on their command line.
fn masters(needle: &str) -> usize {
    masters_of(needle, "").len()
}

/// Those of one host, by their ids.
fn masters_of(needle: &str, host: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let mut masters: Vec<String> = processes
        .filter_map(|entry| {
            Some((entry.file_name().into_string().ok()?, std::fs::read(entry.path().join("cmdline")).ok()?))
        })
        .filter(|(_, line)| line.starts_with(b"ssh") && String::from_utf8_lossy(line).contains(needle))
        .filter(|(_, line)| host.is_empty() || line.split(|byte| *byte == 0).any(|word| word == host.as_bytes()))
        .map(|(id, _)| id)
        .collect();
    masters.sort();
    masters
}

#[tokio::test]
async fn reaching_from_a_host_and_from_here_says_what_happened() {
    let sshd = Sshd::start();
    let (hosts, limit) = (sshd.hosts(), Duration::from_secs(2));
    let reader = hosts.reader(&staging());
    let at = |host: &str, port: u16| Endpoint { host: host.into(), port };
    // A listener whose queue is full drops further packets, as a closed security group does.
    let (full, _held) = full_listener();
    let cases = [
        (at("127.0.0.1", sshd.port), Reachability::Open),
        (at("127.0.0.1", CLOSED_PORT), Reachability::Refused),
        (at("127.0.0.1", full), Reachability::TimedOut),
        (at("no-such-host.invalid", 6379), Reachability::NoRoute),
    ];
    for (endpoint, expected) in &cases {
        assert_eq!(hosts.reach_from_here(endpoint, limit).await.expect("an answer"), *expected, "here, {endpoint}");
        assert_eq!(reader.reach(endpoint, limit).await.expect("an answer"), *expected, "host, {endpoint}");
    }
    // The same without python3 on the host.
    sshd.install("python3-hidden", "");
    for (endpoint, expected) in &cases {
        let script = include_str!("../../src/adapters/ssh/scripts/reach.sh");
        let hidden = script.replace("command -v python3", "command -v python3-missing");
        let output = run(
            Command::new("sh").args(["-c", &hidden, "sh", &endpoint.host, &endpoint.port.to_string(), "2", ""]),
            "dash",
        );
        let word = serde_json::to_string(expected).expect("a word");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("reach {}\nend\n", word.trim_matches('"')),
            "{endpoint}"
        );
    }
}

/// A port whose queue of pending connections is full, and what keeps it full.
fn full_listener() -> (u16, Vec<std::net::TcpStream>) {
    let port = free_port();
    let program =
        format!("import socket,time\ns=socket.socket()\ns.bind(('127.0.0.1',{port}))\ns.listen(0)\ntime.sleep(60)");
    let mut child =
        Command::new("python3").args(["-c", &program]).spawn().expect("python3: install it with `apt install python3`");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let mut held = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        match std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            Ok(stream) => held.push(stream),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => break,
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    std::thread::spawn(move || child.wait());
    (port, held)
}
