//! A path that is cut and heals, on a real sshd with an `ip` and a `sudo` that only keep a list of routes. That such a route
//! is an outage is held in the lab's own tests.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use migrate::core::rollout::Name;
use migrate::core::{FailureClass, Outcome};
use migrate::ports::{CutState, Endpoint, PathCut, TargetWrite, TargetsWrite, WritableTarget};

use crate::support::permits;
use crate::support::sshd::Sshd;
use crate::support::until::until;

/// An address that belongs to nobody: RFC 5737.
const ADDRESS: &str = "192.0.2.7";

/// A host whose routes are the lines of a file, and the mark of one drill in the account's home.
struct Site {
    sshd: Sshd,
    rollout: Name,
}

impl Site {
    fn new(name: &str) -> Self {
        let sshd = Sshd::start();
        let routes = sshd.path("routes");
        fs::write(&routes, "").expect("routes");
        let ip = format!(
            "#!/bin/sh\nset -- $(printf '%s\\n' \"$@\" | grep -vx -e -4)\nfile={}\ncase \"$2\" in\nshow) grep \"^${{3%/32}} \" \
             \"$file\"; exit 0 ;;\nget) if grep -q \"^$3 dev lo\" \"$file\"; then echo \"$3 dev lo\"; else echo \"$3 via \
             10.0.0.1 dev eth0\"; fi ;;\nprepend) [ \"$SUDO\" = yes ] || exit 2; echo \"${{3%/32}} $4 $5\" >>\"$file\" \
             ;;\ndel) [ \"$SUDO\" = yes ] || exit 2; grep -q \"^${{3%/32}} $4 $5\" \"$file\" || exit 2; sed -i \"/^${{3%\\/32}} $4 \
             $5/d\" \"$file\" ;;\n*) exit 1 ;;\nesac\n",
            routes.display()
        );
        sshd.install("ip", &ip);
        sshd.install("sudo", "#!/bin/sh\nshift\nif [ \"$1\" = -l ]; then exit 0; fi\nSUDO=yes exec \"$@\"\n");
        let rollout = format!("{name}-{}", std::process::id()).parse().expect("a name");
        Self { sshd, rollout }
    }

    fn writer(&self) -> std::sync::Arc<dyn TargetWrite> {
        self.sshd.hosts().writer(&WritableTarget::staging(&permits::rollout()))
    }

    fn cut(&self, begins_after: u64, lasts: u64) -> PathCut {
        PathCut {
            endpoint: Endpoint { host: ADDRESS.into(), port: 6379 },
            rollout: self.rollout.clone(),
            begins_after: Duration::from_secs(begins_after),
            lasts: Duration::from_secs(lasts),
        }
    }

    async fn state(&self) -> CutState {
        self.sshd.reader().path_cut(&self.rollout).await.expect("a state")
    }

    /// Waits for a state; the ones before it.
    async fn until(&self, wanted: fn(&CutState) -> bool) -> Vec<CutState> {
        let (start, mut before) = (Instant::now(), Vec::new());
        loop {
            let state = self.state().await;
            if wanted(&state) {
                return before;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "never came: {state:?} after {before:?}");
            before.push(state);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn routes(&self) -> String {
        fs::read_to_string(self.sshd.path("routes")).expect("routes")
    }

    fn mark(&self) -> PathBuf {
        PathBuf::from(std::env::var("HOME").expect("a home")).join(format!(".migrate-cut-{}", self.rollout))
    }

    /// How many processes of the drill live.
    fn processes(&self) -> usize {
        let mark = self.mark().display().to_string();
        let lines = fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| {
            let words = fs::read(entry.path().join("cmdline")).ok()?;
            let words = String::from_utf8_lossy(&words).into_owned();
            (words.starts_with("sh\0") && words.contains(&format!("{mark}/"))).then_some(())
        });
        lines.count()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.mark());
    }
}

#[tokio::test]
async fn it_is_cut_later_and_heals_without_us() {
    let site = Site::new("heals");
    assert_eq!(site.state().await, CutState::Whole);
    site.writer().cut_path(&permits::apply(), &site.cut(6, 8)).await.expect("armed");
    let armed = site.until(|state| matches!(state, CutState::Cut { .. })).await;
    assert!(!armed.is_empty() && armed.iter().all(|state| matches!(state, CutState::Armed { .. })), "{armed:?}");
    assert_eq!(site.routes(), format!("{ADDRESS} dev lo\n"));
    let cut = site.until(|state| *state == CutState::Healed).await;
    assert!(cut.iter().all(|state| matches!(state, CutState::Cut { .. })), "{cut:?}");
    assert_eq!(site.routes(), "");
    site.writer().restore_path(&permits::undo(), &site.rollout).await.expect("restored");
    assert_eq!(site.state().await, CutState::Whole);
    assert!(!site.mark().exists() && site.processes() == 0);
}

#[tokio::test]
async fn it_heals_when_our_connection_is_gone() {
    let mut site = Site::new("dead");
    site.writer().cut_path(&permits::apply(), &site.cut(1, 8)).await.expect("armed");
    site.until(|state| matches!(state, CutState::Cut { .. })).await;
    site.sshd.kill_sessions();
    until("it has healed", async || site.routes().is_empty()).await;
    site.sshd.restart();
    assert_eq!(site.state().await, CutState::Healed);
    site.writer().restore_path(&permits::undo(), &site.rollout).await.expect("restored");
}

#[tokio::test]
async fn it_is_called_off_at_any_moment_and_twice() {
    let site = Site::new("off");
    for begins_after in [30, 0] {
        site.writer().cut_path(&permits::apply(), &site.cut(begins_after, 60)).await.expect("armed");
        if begins_after == 0 {
            site.until(|state| matches!(state, CutState::Cut { .. })).await;
        }
        assert!(site.processes() >= 1);
        for _ in 0..2 {
            site.writer().restore_path(&permits::undo(), &site.rollout).await.expect("restored");
            assert_eq!((site.state().await, site.routes().as_str()), (CutState::Whole, ""));
        }
        assert_eq!(site.processes(), 0);
    }
}

#[tokio::test]
async fn somebody_else_s_processes_are_left_alone() {
    let site = Site::new("proven");
    site.writer().cut_path(&permits::apply(), &site.cut(30, 60)).await.expect("armed");
    let mut stranger = std::process::Command::new("sleep").arg("60").spawn().expect("a process");
    let number = |name: &str| fs::read_to_string(site.mark().join(name)).expect("a number").trim().to_owned();
    let ours = [number("healer"), number("cutter")];
    // As when the host was restarted and the numbers are others' now.
    for name in ["healer", "cutter"] {
        fs::write(site.mark().join(name), stranger.id().to_string()).expect("a number");
    }
    site.writer().restore_path(&permits::undo(), &site.rollout).await.expect("restored");
    assert!(stranger.try_wait().expect("a status").is_none(), "it killed a stranger");
    let _ = stranger.kill();
    let _ = stranger.wait();
    for pid in ours {
        let ended = std::process::Command::new("kill").args(["--", &format!("-{pid}")]).status();
        assert!(ended.is_ok());
    }
}

#[tokio::test]
async fn what_is_not_possible_is_refused_and_leaves_nothing() {
    let site = Site::new("refused");
    let refused = async |words: &str| {
        let failed = site.writer().cut_path(&permits::apply(), &site.cut(1, 2)).await.expect_err("refused");
        assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent), "{failed}");
        assert!(failed.failure.message.contains(words) && failed.failure.hint.is_some(), "{failed}");
        assert!(site.routes().is_empty() || words.contains("already"), "{words}: {}", site.routes());
    };
    let sudo = fs::read_to_string(site.sshd.path("bin/sudo")).expect("sudo");
    site.sshd.install("sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n");
    refused("is not allowed on this host").await;
    site.sshd.install("sudo", &sudo);
    site.sshd.install("getent", "#!/bin/sh\nexit 2\n");
    refused("has no IPv4 address").await;
    site.sshd.install(
        "getent",
        "#!/bin/sh\n[ \"$1\" = ahostsv6 ] && echo '2001:db8::1 STREAM x' || echo '192.0.2.7 STREAM x'\n",
    );
    refused("IPv6 addresses, too").await;
    fs::remove_file(site.sshd.path("bin/getent")).expect("remove");
    assert!(!site.mark().exists());
    fs::write(site.sshd.path("routes"), format!("{ADDRESS} dev lo\n")).expect("routes");
    refused("is cut already, and not by us").await;
    fs::write(site.sshd.path("routes"), "").expect("routes");
    fs::create_dir(site.mark()).expect("a mark");
    refused("there is a mark of a cut already").await;
}

#[tokio::test]
async fn a_cut_that_the_host_could_not_make_says_why() {
    let site = Site::new("unable");
    let sudo = "#!/bin/sh\nshift\nif [ \"$1\" = -l ]; then exit 0; fi\necho 'sudo: no more' >&2\nexit 1\n";
    site.sshd.install("sudo", sudo);
    site.writer().cut_path(&permits::apply(), &site.cut(1, 2)).await.expect("armed");
    site.until(|state| matches!(state, CutState::Failed { why } if why.contains("no more"))).await;
    site.writer().restore_path(&permits::undo(), &site.rollout).await.expect("restored");
    assert_eq!(site.state().await, CutState::Whole);
}
