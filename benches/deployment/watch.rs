//! What a running `migrate` takes: memory, and connections to sshd.

use std::fs;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::processes::{Process, naming};
use super::site::Site;

/// Between two looks at connections, which are cheap.
const OFTEN: Duration = Duration::from_millis(10);
/// Between two looks at the memory of all processes, which are not.
const SELDOM: Duration = Duration::from_millis(250);

/// The highest of everything.
#[derive(Debug, Default)]
pub struct Seen {
    pub took: Duration,
    /// Of `migrate` itself, in KiB: what the kernel says it was at most.
    pub resident: u64,
    /// Of it and its ssh masters together, in KiB, pages that processes share counted once.
    pub proportional: u64,
    pub masters: usize,
    pub connections: usize,
}

/// Watches a process to its end.
pub fn watch(site: &Site, mut process: Process) -> (ExitStatus, Seen) {
    let began = Instant::now();
    let mut seen = Seen::default();
    let mut looked = None;
    loop {
        let status = format!("/proc/{}/status", process.id());
        seen.resident = seen.resident.max(number(&status, "VmHWM:"));
        seen.connections = seen.connections.max(connections(site.port));
        if looked.is_none_or(|at: Instant| at.elapsed() > SELDOM) {
            let is_ssh =
                |id: &u32| fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "ssh");
            let masters: Vec<u32> = naming(&site.path("ssh_config")).into_iter().filter(is_ssh).collect();
            let all = masters.iter().copied().chain([process.id()]);
            let together = all.map(|id| number(&format!("/proc/{id}/smaps_rollup"), "Pss:")).sum();
            seen.proportional = seen.proportional.max(together);
            seen.masters = seen.masters.max(masters.len());
            looked = Some(Instant::now());
        }
        if let Some(status) = process.ended() {
            seen.took = began.elapsed();
            return (status, seen);
        }
        std::thread::sleep(OFTEN);
    }
}

/// The number after a word in one of the kernel's files; 0 when the process has gone.
fn number(file: &str, word: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Established TCP connections to this port of this machine, from the clients' side: proc(5), state 01.
fn connections(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let end = format!(":{port:04X}");
    let is_one = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() > 3 && fields[2].ends_with(&end) && fields[3] == "01"
    };
    table.lines().filter(is_one).count()
}
