//! Fifty hosts: how many connections are open at once, and how much memory that takes.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::operator::Operator;
use super::processes::{Process, run};
use super::site::Site;
use super::watch::{Seen, watch};
use super::word;

const HOSTS: usize = 50;
const MOST_CONNECTIONS: usize = 32;
const MOST_MEMORY: u64 = 128 * 1024;

pub fn are_kept() -> bool {
    let site = Site::start((1..=HOSTS).map(|number| format!("host-{number:02}")).collect());
    let _application = application(&site);
    let account = String::from_utf8(run(Command::new("id").arg("-un"), "coreutils").stdout).unwrap();
    let adapt = |text: String| {
        text.replace("/srv/benchmark", &site.path("application").display().to_string())
            .replace("user: benchmark", &format!("user: {}", account.trim()))
            .replace("port: 8080", &format!("port: {}", site.port))
    };
    let operator = Operator::new(&site, phases(&site), adapt);
    println!("\n{HOSTS} hosts behind one sshd");
    let read = watch_run(&site, &operator, &["check", "--live"]);
    operator.walk_to_production();
    operator.approve();
    let changed = watch_run(&site, &operator, &["phase", "4"]);
    let deployed = site.hosts.iter().filter(|host| site.root(host).join("deployed").exists()).count();
    assert_eq!(deployed, HOSTS, "hosts that phase 4 has changed");

    let connections = read.connections.max(changed.connections);
    let memory = read.resident.max(changed.resident);
    let (few, small) = (connections <= MOST_CONNECTIONS, memory < MOST_MEMORY);
    println!("{}: at most {connections} connections at once, at most {MOST_CONNECTIONS} promised", word(few));
    println!("{}: migrate takes {:.1} MiB, under 128 promised", word(small), mebibytes(memory));
    few && small
}

fn watch_run(site: &Site, operator: &Operator<'_>, words: &[&str]) -> Seen {
    let before = site.commands();
    let (status, seen) = watch(site, operator.start(words));
    assert!(status.success(), "migrate {words:?}: {status}\n{}", operator.last_words());
    println!(
        "  migrate {:<13} {:>6.2} s, {:>4} commands; at most {:>2} connections, {:>2} masters; VmHWM {:>5.1} MiB, with its \
         masters {:>5.1} MiB (Pss)",
        words.join(" "),
        seen.took.as_secs_f64(),
        site.commands() - before,
        seen.connections,
        seen.masters,
        mebibytes(seen.resident),
        mebibytes(seen.proportional),
    );
    seen
}

fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}

/// The deployment's phases on staging, and preflight and phase 4 for fifty.
fn phases(site: &Site) -> std::path::PathBuf {
    let (source, made) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/deployment"), site.path("phases"));
    fs::create_dir(&made).unwrap();
    for folder in ["phases", "fifty"] {
        for file in fs::read_dir(source.join(folder)).unwrap() {
            let file = file.unwrap().path();
            fs::copy(&file, made.join(file.file_name().unwrap())).unwrap();
        }
    }
    made
}

/// Everything that `target_inspection` looks at, the same for all hosts: a tree, an interpreter, a unit with one worker.
fn application(site: &Site) -> Process {
    let path = site.path("application");
    fs::create_dir_all(path.join("environment/bin")).unwrap();
    std::os::unix::fs::symlink("/usr/bin/python3", path.join("environment/bin/python")).unwrap();
    run(Command::new("cp").arg("-r").arg(site.path("tree/part-01")).arg(path.join("application")), "coreutils");
    let mut command = Command::new("sh");
    // Not the last command, so that sh stays as the master of its one worker.
    let unit = Process::start(command.args(["-c", "sleep 3600; :"]), &site.path("unit.log"));
    let systemctl = format!(
        "#!/bin/sh\nprintf 'LoadState=loaded\\nActiveState=active\\nMainPID={}\\nFragmentPath=\\nDropInPaths=\\n'\n",
        unit.id()
    );
    site.install("systemctl", &systemctl);
    unit
}
