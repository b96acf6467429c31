//! Runs that the lab has recorded (tests/fixtures), as sites.

use std::fs;
use std::path::Path;

use migrate::configuration::{LoadOptions, load};
use migrate::core::{Digest, Plan};
use migrate::journal::StateDirectory;
use migrate::steps::BuiltInKinds;

use crate::site::{REPOSITORY, Site};

/// Where the recorded runs are.
const RECORDED: &str = "tests/fixtures/7792f74";

/// A copy of a recorded run, whose hosts cannot be reached: ssh itself refuses to start.
pub fn recorded(name: &str) -> Site {
    let site = Site::empty();
    copy(&Path::new(REPOSITORY).join(RECORDED).join(name), site.path());
    site.write("ssh_config", "NoSuchOption yes\n");
    site
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { _ = fs::copy(&path, &target).unwrap() }
    }
}

/// A copy of a recorded run as if it had been walked with the phases of today: its plan is the one that today's program
/// makes of its rollout.yaml. Otherwise each changed word of a phase would be plan drift, and nothing else would be said.
pub fn recorded_today(name: &str) -> Site {
    let site = recorded(name);
    let plan = plan_of(&site);
    let state = StateDirectory::new(site.path().join(".migrate"));
    let pinned = state.replay().unwrap().state.plan().cloned().expect("a recorded run has a plan");
    state.keep_plan(&plan).unwrap();
    let journal = site.read(".migrate/journal.jsonl");
    let (old, new) = (pinned.0.as_str(), plan.digest().0.as_str());
    let mut hash = "0".repeat(64);
    let pinned_today = journal.lines().map(|line| {
        let (_, rest) = line.split_once(r#","record":"#).expect("a journal's line");
        let record = rest.strip_suffix('}').expect("a journal's line").replace(old, new);
        hash = Digest::of(format!("{hash}{record}").as_bytes()).as_str().to_owned();
        format!("{{\"hash\":\"{hash}\",\"record\":{record}}}\n")
    });
    let pinned_today: String = pinned_today.collect();
    site.write(".migrate/journal.jsonl", &pinned_today);
    site
}

fn plan_of(site: &Site) -> Plan {
    let options = LoadOptions { rollout: site.path().join("rollout.yaml"), phases: None };
    load(&options, &BuiltInKinds).unwrap_or_else(|mistakes| panic!("{mistakes}")).plan
}
