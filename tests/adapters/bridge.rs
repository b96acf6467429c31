//! The metrics file of a session bridge, read where it is: as the bridge writes it, growing, cut, rotated, and not there.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use migrate::core::FailureClass;
use migrate::core::rollout::AbsolutePath;
use migrate::ports::{BridgeLog, BridgeTotals};

use crate::support::sshd::Sshd;

fn line(pid: u32, reads: u64, damaged: u64) -> String {
    format!(
        "migrate_sessions {{\"pid\": {pid}, \"reads\": {reads}, \"hits\": 1, \"falls\": 2, \"damaged\": {damaged}, \
         \"unserializable\": 3, \"old_failures\": 4, \"open_seconds\": 0.125}}\n"
    )
}

fn totals(pid: u32, reads: u64, damaged: u64) -> BridgeTotals {
    BridgeTotals { pid, reads, falls: 2, damaged, unserializable: 3, old_failures: 4 }
}

fn file(sshd: &Sshd) -> AbsolutePath {
    sshd.path("the metrics.log").to_str().expect("a path").parse().expect("an absolute path")
}

#[tokio::test]
async fn the_last_line_of_each_process_says_it_all() {
    let sshd = Sshd::start();
    let (reader, file) = (sshd.reader(), file(&sshd));
    assert_eq!(reader.bridge_log(&file).await.expect("no file is no error"), BridgeLog::default());
    let mut text = format!("another program\n{}{}", line(1, 10, 0), line(2, 5, 0));
    write!(text, "{}migrate_sessions {{\"pid\": 2, \"rea\n{}migrate_ses", line(1, 20, 1), line(3, 1, 0)).expect("text");
    fs::write(file.as_str(), &text).expect("written");
    let expected = vec![totals(2, 5, 0), totals(1, 20, 1), totals(3, 1, 0)];
    assert_eq!(reader.bridge_log(&file).await.expect("a log").processes, expected, "the one that wrote last is last");
    fs::write(file.as_str(), line(3, 2, 0)).expect("cut");
    let log = reader.bridge_log(&file).await.expect("a log");
    assert_eq!((log.exists, log.processes), (true, vec![totals(3, 2, 0)]));
}

#[tokio::test]
async fn a_file_of_days_is_read_from_its_end_and_costs_little() {
    let sshd = Sshd::start();
    let (reader, file) = (sshd.reader(), file(&sshd));
    let mut text = line(9, 1, 0);
    for number in 0..200_000_u32 {
        text.push_str(&line(1 + number % 4, u64::from(number), 0));
    }
    assert!(text.len() > 3 * (8 << 20));
    fs::write(file.as_str(), &text).expect("written");
    let began = std::time::Instant::now();
    let log = reader.bridge_log(&file).await.expect("a log");
    println!("{:?}", began.elapsed());
    let pids: Vec<u32> = log.processes.iter().map(|one| one.pid).collect();
    assert_eq!(pids, [1, 2, 3, 4], "one that wrote only long ago is not found");
    assert_eq!(log.processes[3].reads, 199_999);
}

#[tokio::test]
async fn what_the_bridge_itself_writes_is_read() {
    let sshd = Sshd::start();
    let file = file(&sshd);
    let program = format!(
        "import importlib.util, pathlib, sys\n\
         spec = importlib.util.spec_from_file_location('metrics', sys.argv[1])\n\
         metrics = importlib.util.module_from_spec(spec)\n\
         spec.loader.exec_module(metrics)\n\
         bridge = metrics.Metrics(0.0, pathlib.Path({:?}), lambda: 1.5)\n\
         bridge.count('reads', 7); bridge.count('falls'); bridge.write_if_due()\n\
         bridge.count('old_failures', 2); bridge.write()\n",
        file.as_str()
    );
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/phases/session_bridge/migrate_sessions/metrics.py");
    let status = Command::new("/usr/bin/python3").args(["-B", "-c", &program, module]).status().expect("python3");
    assert!(status.success());
    let log = sshd.reader().bridge_log(&file).await.expect("a log");
    let [process] = log.processes.as_slice() else { panic!("{log:?}") };
    assert_eq!((process.reads, process.falls, process.damaged, process.old_failures), (7, 1, 0, 2));
}

#[tokio::test]
async fn one_that_must_not_be_read_is_an_error() {
    let sshd = Sshd::start();
    let file = file(&sshd);
    fs::create_dir(file.as_str()).expect("a directory in its place");
    let failure = sshd.reader().bridge_log(&file).await.expect_err("it is no file");
    assert_eq!(failure.class, FailureClass::Permanent, "{failure}");
    assert!(failure.message.contains("the metrics.log"), "{failure}");
}
