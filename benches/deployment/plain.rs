//! The same remote commands without `migrate`: what it sent to the hosts is recorded once, and sent again by `ssh`, in
//! the same order, over one multiplexed connection for each host.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::processes::run;
use super::site::{Site, write_executable};

/// One command that was sent to a host.
pub struct Recorded {
    host: String,
    /// What sshd was asked to run.
    command: String,
    /// The script that came on standard input.
    script: Vec<u8>,
    code: i32,
}

/// How a recorded command is sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// To the letter.
    AsRecorded,
    /// Its script alone, to `sh`: without what `migrate` wraps around it to know that it arrived whole.
    ScriptAlone,
}

/// Records what `work` sends to the hosts.
pub fn record(site: &Site, work: impl FnOnce()) -> Vec<Recorded> {
    let folder = site.path("recorded");
    fs::create_dir(&folder).unwrap();
    let recorder = site.path("recorder");
    // One host after the other, one command after the other: their order is that of the clock.
    let script = format!(
        "#!/bin/sh\nfile={folder}/$(date +%s%N)\nbasename \"$BENCH_ROOT\" >\"$file.host\"\nprintf %s \
         \"$SSH_ORIGINAL_COMMAND\" >\"$file.command\"\ncat >\"$file.script\"\n\"$SHELL\" -c \"$SSH_ORIGINAL_COMMAND\" \
         <\"$file.script\"\ncode=$?\necho $code >\"$file.code\"\nexit $code\n",
        folder = folder.display(),
    );
    write_executable(&recorder, &script, 0o755);
    site.authorize(Some(&recorder));
    work();
    site.authorize(None);
    let names: BTreeSet<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path().with_extension("")).collect();
    let text = |name: &PathBuf, part: &str| fs::read_to_string(name.with_extension(part)).unwrap();
    let one = |name: &PathBuf| Recorded {
        host: text(name, "host").trim().to_owned(),
        command: text(name, "command"),
        script: fs::read(name.with_extension("script")).unwrap(),
        code: text(name, "code").trim().parse().unwrap(),
    };
    names.iter().map(one).collect()
}

/// Sends all of it again; how long that took, the opening and the closing of the connections included.
pub fn replay(site: &Site, recorded: &[Recorded], form: Form) -> Duration {
    let socket = |host: &str| site.sockets().join(format!("plain-{host}"));
    let began = Instant::now();
    let mut open: Vec<&str> = Vec::new();
    for Recorded { host, command, script, code } in recorded {
        if !open.contains(&host.as_str()) {
            // In the background once it is open.
            let master = ["-f", "-N", "-M", "-o", "ControlPersist=yes", "-S"];
            run(site.ssh().args(master).arg(socket(host)).arg(host).stderr(Stdio::null()), "openssh-client");
            open.push(host);
        }
        let command = if form == Form::AsRecorded { command } else { "sh" };
        let mut client = site.ssh();
        client.arg("-S").arg(socket(host)).args([host, command]).stdin(Stdio::piped());
        let mut child = client.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(script).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = || String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(*code), "{host}: {}: {}", String::from_utf8_lossy(script), said());
    }
    for host in open {
        run(site.ssh().arg("-S").arg(socket(host)).args(["-O", "exit", host]), "openssh-client");
    }
    began.elapsed()
}
