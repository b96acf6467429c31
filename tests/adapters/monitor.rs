//! Watching real processes through /proc: one that allocates, one that is replaced, one that opens descriptors, a log
//! that is written, rotated and truncated; what the watching costs, and that it ends.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use migrate::core::FailureClass;
use migrate::ports::{LogCounts, MasterOf, MonitorSample, MonitorSpec, Monitoring, ProcessSample};

use crate::support::process::kill_children;
use crate::support::sshd::Sshd;
use crate::support::until::until_within;

/// A master that keeps two workers alive, each of which runs `work` over and over. Replaces those that end.
const MASTER: &str = r#"
import os, sys, time
def work(number, kept): WORK
def start(number):
    worker = os.fork()
    if worker == 0:
        kept = []
        while os.getppid() == master:
            work(number, kept)
            time.sleep(0.02)
        os._exit(0)
    return worker
master = os.getpid()
with open(sys.argv[1] + ".new", "w") as file:
    file.write("%d\n" % os.getpid())
workers = {start(number): number for number in range(2)}
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    number = workers.pop(os.wait()[0])
    workers[start(number)] = number
"#;

struct Master {
    child: Child,
    watched: MonitorSpec,
    log: PathBuf,
}

fn pid_file(watched: &MonitorSpec) -> &str {
    match &watched.master {
        MasterOf::PidFile(file) => file.as_str(),
        MasterOf::Unit(unit) => unit,
    }
}

impl Master {
    fn watched(sshd: &Sshd, at_most: Duration) -> (MonitorSpec, PathBuf) {
        let log = sshd.path("error.log");
        let path = |name: &str| sshd.path(name).to_str().expect("UTF-8").parse().expect("a path");
        let every = Duration::from_millis(100);
        (
            MonitorSpec {
                master: MasterOf::PidFile(path("the pid")),
                error_log: Some(path("error.log")),
                every,
                at_most,
            },
            log,
        )
    }

    fn start(sshd: &Sshd, work: &str, at_most: Duration) -> Self {
        let (watched, log) = Self::watched(sshd, at_most);
        fs::write(&log, "Booting worker with pid: 1\nTraceback (most recent call last):\n").expect("a log");
        let child = Command::new("/usr/bin/python3")
            .args(["-S", "-c", &MASTER.replace("WORK", work), pid_file(&watched)])
            .stdin(Stdio::null())
            .spawn()
            .expect("python3: install it");
        let deadline = Instant::now() + Duration::from_secs(20);
        while !sshd.path("the pid").exists() {
            assert!(Instant::now() < deadline, "the master does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, watched, log }
    }

    fn write(&self, text: &str) {
        let mut log = fs::OpenOptions::new().append(true).create(true).open(&self.log).expect("the log");
        log.write_all(text.as_bytes()).expect("written");
    }

    async fn watch(&self, sshd: &Sshd) -> Box<dyn Monitoring> {
        sshd.reader().monitor(&self.watched).await.expect("watching")
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // Stopped, it starts no more; ended, its workers would be nobody's children and hard to find.
        let _ = Command::new("kill").args(["-STOP", &self.child.id().to_string()]).status();
        kill_children(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn next(monitoring: &mut Box<dyn Monitoring>) -> MonitorSample {
    monitoring.next().await.expect("a sample").expect("before the end")
}

/// All samples to the end.
async fn all(mut monitoring: Box<dyn Monitoring>) -> Vec<MonitorSample> {
    let mut samples = Vec::new();
    while let Some(sample) = monitoring.next().await.expect("a sample") {
        samples.push(sample);
    }
    assert_eq!(monitoring.next().await.expect("still the end"), None);
    samples
}

/// Samples until one is as wanted.
async fn until(monitoring: &mut Box<dyn Monitoring>, wanted: impl Fn(&MonitorSample) -> bool) -> MonitorSample {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let sample = next(monitoring).await;
        if wanted(&sample) {
            return sample;
        }
        assert!(Instant::now() < deadline, "never: {sample:?}");
    }
}

/// How much a figure of the worker that changes most has changed between two samples, and of the other.
fn change(first: &MonitorSample, last: &MonitorSample, figure: impl Fn(&ProcessSample) -> u64) -> (u64, u64) {
    let of = |number: usize| figure(&last.workers[number]).saturating_sub(figure(&first.workers[number]));
    (of(0).max(of(1)), of(0).min(of(1)))
}

#[tokio::test]
async fn a_worker_that_allocates_is_seen_to_grow_and_to_be_busy() {
    let sshd = Sshd::start();
    let work = "number or kept.append(b'x' * (1 << 19)); sum(range(400000 * (1 - number)))";
    let master = Master::start(&sshd, work, Duration::from_secs(3));
    let samples = all(master.watch(&sshd).await).await;
    assert!((10..=31).contains(&samples.len()), "{} samples", samples.len());
    assert!(samples.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms));
    let (first, last) = (&samples[0], &samples[samples.len() - 1]);
    assert!(first.at_ms < 1_000 && last.at_ms > 2_500, "{} to {}", first.at_ms, last.at_ms);
    let of_the_master = first.master.expect("it runs");
    assert_eq!(of_the_master.pid, master.child.id());
    assert!(samples.iter().all(|sample| sample.workers.len() == 2), "{samples:?}");
    let (grows, stays) = change(first, last, |worker| worker.rss_bytes);
    assert!(grows > 16 << 20 && stays < 1 << 20, "{grows} and {stays}");
    let (busy, idle) = change(first, last, |worker| worker.cpu_ms);
    assert!(busy >= 50 && busy > 3 * idle, "{busy} ms and {idle} ms");
    // Once in five samples, and never more than what is resident.
    let with_pss: Vec<usize> =
        (0..samples.len()).filter(|at| samples[*at].workers.iter().all(|worker| worker.pss_bytes.is_some())).collect();
    assert!(with_pss.iter().all(|at| at % 5 == 0) && with_pss.len() >= 2, "{with_pss:?}");
    let worker = first.workers[0];
    assert!(worker.pss_bytes.is_some_and(|pss| pss > 0 && pss <= worker.rss_bytes + (1 << 20)), "{worker:?}");
    // The host.
    let (before, after) = (first.host, last.host);
    let (spent, since) = (after.busy_ms + after.idle_ms - before.busy_ms - before.idle_ms, last.at_ms - first.at_ms);
    let expected = since * u64::from(before.processors);
    assert!(spent > expected / 2 && spent < expected * 2, "{spent} ms of {expected}");
    assert!(after.busy_ms > before.busy_ms && after.available_bytes > 0 && after.available_bytes < after.total_bytes);
    assert_eq!(after.out_of_memory_kills.is_some(), fs::read_to_string("/proc/vmstat").unwrap().contains("oom_kill"));
}

#[tokio::test]
async fn a_worker_that_opens_descriptors_is_seen_to_leak_them() {
    let sshd = Sshd::start();
    let master = Master::start(&sshd, "number or kept.append(open('/dev/null'))", Duration::from_secs(2));
    let samples = all(master.watch(&sshd).await).await;
    let figure = |worker: &ProcessSample| u64::from(worker.descriptors.expect("ours to see"));
    let (leaks, stays) = change(&samples[0], &samples[samples.len() - 1], figure);
    assert!(leaks >= 20 && stays == 0, "{leaks} and {stays}");
}

#[tokio::test]
async fn a_worker_that_is_replaced_is_another_process() {
    let sshd = Sshd::start();
    let master = Master::start(&sshd, "pass", Duration::from_secs(60));
    let mut monitoring = master.watch(&sshd).await;
    let first = next(&mut monitoring).await;
    let (killed, spared) = (first.workers[0].process(), first.workers[1].process());
    assert!(Command::new("kill").args(["-9", &killed.pid.to_string()]).status().expect("kill").success());
    let later = until(&mut monitoring, |sample| {
        sample.workers.len() == 2 && sample.workers.iter().all(|worker| worker.process() != killed)
    })
    .await;
    assert!(later.workers.iter().any(|worker| worker.process() == spared));
    let fresh = later.workers.iter().find(|worker| worker.process() != spared).expect("a new one");
    assert!(fresh.started_ticks > spared.started_ticks, "{later:?}");
}

#[tokio::test]
async fn only_what_is_added_to_the_log_counts_however_it_is_kept() {
    let sshd = Sshd::start();
    let master = Master::start(&sshd, "pass", Duration::from_secs(60));
    let mut monitoring = master.watch(&sshd).await;
    assert_eq!(next(&mut monitoring).await.log, Some(LogCounts::default()));
    master.write(
        "[CRITICAL] WORKER TIMEOUT (pid:7)\n[ERROR] Worker (pid:7) was sent SIGKILL! Perhaps out of memory?\n[INFO] \
         Booting worker with pid: 8\nTraceback (most recent call last):\n  File \"a\"\nValueError\n",
    );
    let counts = |tracebacks, timeouts, killed, booted| Some(LogCounts { tracebacks, timeouts, killed, booted });
    until(&mut monitoring, |sample| sample.log == counts(1, 1, 1, 1)).await;
    // A line in two pieces is one line.
    master.write("[ERROR] Worker with pid 8 was termina");
    for _ in 0..3 {
        assert_eq!(next(&mut monitoring).await.log, counts(1, 1, 1, 1));
    }
    master.write("ted due to signal 9\n");
    until(&mut monitoring, |sample| sample.log == counts(1, 1, 2, 1)).await;
    // Truncated: what is written from then on counts.
    fs::write(&master.log, "").expect("truncated");
    for _ in 0..3 {
        next(&mut monitoring).await;
    }
    master.write("WORKER TIMEOUT\n");
    until(&mut monitoring, |sample| sample.log == counts(1, 2, 2, 1)).await;
    // Rotated.
    fs::rename(&master.log, sshd.path("error.log.1")).expect("rotated");
    until(&mut monitoring, |sample| sample.log.is_none()).await;
    master.write("Booting worker with pid: 9\n");
    until(&mut monitoring, |sample| sample.log == counts(1, 2, 2, 2)).await;
}

#[tokio::test]
async fn a_gunicorn_that_does_not_run_is_waited_for_and_its_end_is_seen() {
    let sshd = Sshd::start();
    let (watched, _) = Master::watched(&sshd, Duration::from_secs(60));
    let mut monitoring = sshd.reader().monitor(&watched).await.expect("watching");
    let sample = next(&mut monitoring).await;
    assert!(sample.master.is_none() && sample.workers.is_empty() && sample.log.is_none());
    let master = Master::start(&sshd, "pass", Duration::from_secs(60));
    let running = until(&mut monitoring, |sample| sample.master.is_some() && sample.workers.len() == 2).await;
    // A log that was not there is new, all of it.
    assert_eq!(running.log, Some(LogCounts { tracebacks: 1, booted: 1, ..LogCounts::default() }));
    drop(master);
    until(&mut monitoring, |sample| sample.master.is_none() && sample.workers.is_empty()).await;
}

/// The processes on this machine that watch this pid file.
fn watchers(watched: &MonitorSpec) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).into_owned();
        command.contains("proc_pid_stat") && command.contains(pid_file(watched))
    })
    .collect()
}

#[tokio::test]
async fn watching_ends_on_the_host_when_nobody_listens_any_more() {
    let sshd = Sshd::start();
    let mut master = Master::start(&sshd, "pass", Duration::from_secs(600));
    // The next line would be a minute away: its absence must not be what is waited for.
    master.watched.every = Duration::from_secs(60);
    let mut monitoring = master.watch(&sshd).await;
    next(&mut monitoring).await;
    assert!(!watchers(&master.watched).is_empty());
    drop(monitoring);
    // Sooner than the next line would come.
    let limit = Duration::from_secs(30);
    until_within(limit, "no watcher is left", async || watchers(&master.watched).is_empty()).await;
}

#[tokio::test]
async fn a_lost_connection_is_told_from_the_end() {
    let sshd = Sshd::start();
    let master = Master::start(&sshd, "pass", Duration::from_secs(600));
    let mut monitoring = master.watch(&sshd).await;
    next(&mut monitoring).await;
    sshd.kill_sessions();
    let failure = loop {
        match monitoring.next().await {
            Ok(sample) => assert!(sample.is_some(), "taken for the end"),
            Err(failure) => break failure,
        }
    };
    assert_eq!(failure.class, FailureClass::Transient, "{failure}");
}

#[tokio::test]
async fn a_host_on_which_it_does_not_run_says_why() {
    let sshd = Sshd::with("ForceCommand echo 'python3: a syntax it does not know' >&2; exit 1");
    let (watched, _) = Master::watched(&sshd, Duration::from_secs(60));
    let mut monitoring = sshd.reader().monitor(&watched).await.expect("a connection");
    let failure = monitoring.next().await.expect_err("nothing to run it");
    assert_eq!(failure.class, FailureClass::Permanent, "{failure}");
    assert!(failure.message.contains("a syntax it does not know") && failure.hint.is_some(), "{failure}");
}

#[tokio::test]
async fn taking_a_sample_costs_less_than_two_percent_of_a_core() {
    let sshd = Sshd::start();
    let master = Master::start(&sshd, "kept or kept.append(b'x' * (100 << 20))", Duration::from_secs(600));
    let mut monitoring = master.watch(&sshd).await;
    // All processes of the script: the shells that wait for it, too.
    let spent = |ids: &[u32]| -> u64 {
        let fields = |id: &u32| fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
        let ticks = |stat: String| -> u64 {
            let rest = stat.rsplit_once(')').expect("a name").1.to_owned();
            rest.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum()
        };
        ids.iter().map(fields).map(ticks).sum()
    };
    next(&mut monitoring).await;
    let ids = watchers(&master.watched);
    let before = spent(&ids);
    for _ in 0..40 {
        next(&mut monitoring).await;
    }
    // Ticks are hundredths of a second: at one sample a second, 40 of them may take 80.
    let ticks = spent(&ids) - before;
    println!("{} ms for 40 samples", ticks * 10);
    assert!(ticks < 80, "{} ms for 40 samples", ticks * 10);
}

#[tokio::test]
async fn a_units_main_process_is_found_again_when_it_is_another_one() {
    let sshd = Sshd::start();
    let first = Master::start(&sshd, "pass", Duration::from_secs(60));
    let unit = |pid: &str| {
        let known = format!("#!/bin/sh\n[ \"$2\" = app.service ] || pid=0\necho MainPID=${{pid:-{pid}}}\n");
        sshd.install("systemctl", &known);
    };
    unit(&first.child.id().to_string());
    let watched =
        MonitorSpec { master: MasterOf::Unit("app.service".into()), error_log: None, ..first.watched.clone() };
    let mut monitoring = sshd.reader().monitor(&watched).await.expect("watching");
    let sample = until(&mut monitoring, |sample| sample.workers.len() == 2).await;
    assert_eq!(sample.master.map(|master| master.pid), Some(first.child.id()));
    assert_eq!(sample.log, None, "there is no log to follow");
    fs::remove_file(sshd.path("the pid")).expect("gone");
    let second = Master::start(&sshd, "pass", Duration::from_secs(60));
    unit(&second.child.id().to_string());
    // The first one lives on: nobody notices before the service manager is asked again.
    let is_second = |sample: &MonitorSample| sample.master.map(|master| master.pid) == Some(second.child.id());
    until(&mut monitoring, is_second).await;
    unit("0");
    until(&mut monitoring, |sample| sample.master.is_none() && sample.workers.is_empty()).await;
}
