//! Services, ports and Python modules.

use std::fs;
use std::process::{Child, Command, Stdio};

use migrate::core::{Digest, FailureClass};
use migrate::ports::ServiceFacts;

use crate::support::descendants::descendants;
use crate::support::process::CLOSED_PORT;
use crate::support::sshd::Sshd;
use crate::support::until::until;

/// A main process with two children, a name that is hard to parse, and a newline in its command line.
struct Service(Child);

impl Service {
    fn start(sshd: &Sshd) -> Self {
        let program = sshd.path("odd ) 7 (name");
        fs::copy("/bin/sh", &program).expect("a shell");
        let child = Command::new(&program)
            .args(["-c", "sleep 60 & sleep 60 & wait", "an argument\nwith a newline", ""])
            .env_clear()
            .env("SECRET", "do not tell")
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .spawn()
            .expect("a service");
        Self(child)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        crate::support::process::kill_children(self.0.id());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A systemctl that knows one unit.
fn systemctl(sshd: &Sshd, pid: u32) {
    let unit = sshd.path("app.service");
    fs::write(&unit, "[Service]\n").expect("a unit");
    let dropin = sshd.path("override.conf");
    fs::write(&dropin, "[Service]\nRestart=always\n").expect("a drop-in");
    let script = format!(
        "#!/bin/sh\nif [ \"$2\" != app.service ]; then printf \
         'LoadState=not-found\\nActiveState=inactive\\nMainPID=0\\nFragmentPath=\\nDropInPaths=\\n'; exit 0; fi\nprintf \
         'MainPID={pid}\\nLoadState=loaded\\nActiveState=active\\nFragmentPath={}\\nDropInPaths={}\\n'\n",
        unit.display(),
        dropin.display()
    );
    sshd.install("systemctl", &script);
}

async fn look(sshd: &Sshd) -> ServiceFacts {
    sshd.reader().service("app.service").await.expect("facts")
}

#[tokio::test]
async fn a_service_is_seen_as_proc_shows_it() {
    let sshd = Sshd::start();
    let service = Service::start(&sshd);
    let pid = service.0.id();
    systemctl(&sshd, pid);
    until("its children run", async || descendants(pid).len() == 2).await;
    let facts = look(&sshd).await;
    assert!(facts.active);
    assert_eq!(facts.main_pid, Some(pid));
    assert_eq!(facts.executable.as_deref(), sshd.path("odd ) 7 (name").to_str());
    assert_eq!(facts.command_line.last().map(String::as_str), Some(""));
    assert!(facts.command_line.contains(&"an argument\nwith a newline".to_owned()), "{:?}", facts.command_line);
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("stat");
    let ticks = stat.rsplit_once(')').expect("a name").1.split_whitespace().nth(19).expect("22 fields").parse().ok();
    assert_eq!(facts.started_ticks, ticks);
    let environment = fs::read(format!("/proc/{pid}/environ")).expect("environment");
    assert_eq!(facts.environment, Some(Digest::of(&environment)));
    assert_eq!(facts.workers, 2);

    assert_eq!(look(&sshd).await, facts);
    fs::write(sshd.path("override.conf"), "[Service]\n").expect("a drop-in");
    let changed = look(&sshd).await;
    assert_ne!(changed.unit, facts.unit);
    assert_eq!(changed.environment, facts.environment);
}

#[tokio::test]
async fn a_unit_that_is_not_there_is_not_active() {
    let sshd = Sshd::start();
    systemctl(&sshd, 1);
    let facts = sshd.reader().service("other.service").await.expect("facts");
    assert!(!facts.active && facts.unit.is_none() && facts.main_pid.is_none());
}

#[tokio::test]
async fn a_service_that_cannot_be_looked_at_is_an_error() {
    let sshd = Sshd::start();
    sshd.install("systemctl", "#!/bin/sh\necho 'System has not been booted with systemd' >&2\nexit 1\n");
    let failure = sshd.reader().service("app.service").await.expect_err("no systemd");
    assert!(failure.message.contains("not been booted"), "{failure}");
    // A main process that has gone meanwhile.
    systemctl(&sshd, 4_190_000);
    let failure = sshd.reader().service("app.service").await.expect_err("no process");
    assert_eq!(failure.class, FailureClass::Transient, "{failure}");
    // A unit file that cannot be read must not look like one that is empty.
    fs::remove_file(sshd.path("override.conf")).expect("remove");
    let failure = sshd.reader().service("app.service").await.expect_err("no drop-in");
    assert!(failure.message.contains("override.conf"), "{failure}");
}

#[tokio::test]
async fn listening_ports_are_found() {
    let sshd = Sshd::start();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    let port = listener.local_addr().expect("address").port();
    let ports = sshd.reader().listening().await.expect("ports");
    assert!(ports.contains(&port) && ports.contains(&sshd.port) && !ports.contains(&CLOSED_PORT), "{ports:?}");
}

#[tokio::test]
async fn modules_are_imported_one_by_one() {
    let sshd = Sshd::start();
    let app = sshd.path("the app");
    fs::create_dir(&app).expect("directory");
    fs::write(app.join("fine.py"), "__version__ = '1.2.3'\nprint('noise {')\n").expect("module");
    fs::write(app.join("leaves.py"), "import sys\nsys.exit(0)\n").expect("module");
    fs::write(app.join("crashes.py"), "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n").expect("module");
    fs::write(app.join("broken.py"), "import no_such_module\n").expect("module");
    let names = ["fine", "leaves", "crashes", "broken", "json", "$(touch hacked)"].map(str::to_owned);
    let directory = app.to_str().expect("UTF-8").parse().expect("a path");
    let facts = sshd.reader().modules("/usr/bin/python3", &directory, &names).await.expect("facts");
    let problem = |index: usize| facts[index].problem.clone().unwrap_or_default();
    assert_eq!((facts[0].version.as_deref(), facts[0].problem.as_deref()), (Some("1.2.3"), None));
    assert!(problem(1).contains("SystemExit"), "{}", problem(1));
    assert!(problem(2).contains("signal 11"), "{}", problem(2));
    assert!(problem(3).contains("No module named 'no_such_module'"), "{}", problem(3));
    assert_eq!(facts[4].problem, None);
    assert!(problem(5).contains("ModuleNotFoundError"), "{}", problem(5));
    let left: Vec<_> = fs::read_dir(&app).expect("directory").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 4, "byte code or worse was left behind: {left:?}");

    let failure = sshd.reader().modules("/no/python", &directory, &names).await.expect_err("no interpreter");
    assert!(failure.message.contains("/no/python"), "{failure}");
}
