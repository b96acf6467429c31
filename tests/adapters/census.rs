//! The sessions of an application, counted by the interpreter that runs it.

use std::fs;
use std::process::{Child, Command, Stdio};

use migrate::core::{Failure, FailureClass};
use migrate::ports::{CensusFacts, CensusJob};

use crate::support::sshd::Sshd;

/// A bridge whose census says what a test wants it to say.
fn bridge(sshd: &Sshd, census: &str) {
    let package = sshd.path("copy/migrate_sessions");
    fs::create_dir_all(&package).expect("a package");
    fs::create_dir_all(sshd.path("application")).expect("an application");
    fs::write(package.join("__init__.py"), "").expect("a package");
    fs::write(package.join("census.py"), census).expect("a census");
}

/// A main process that was started with this interpreter, as `systemctl` shows it.
fn service(sshd: &Sshd, python: &str) -> Child {
    let child = Command::new(python)
        .args(["-c", "import time; time.sleep(60)", "run:app"])
        .stdin(Stdio::null())
        .spawn()
        .expect("a service");
    let script =
        format!("#!/bin/sh\nif [ \"$2\" = app.service ]; then echo MainPID={}; else echo MainPID=0; fi\n", child.id());
    sshd.install("systemctl", &script);
    child
}

async fn census(sshd: &Sshd, unit: &str) -> Result<CensusFacts, Failure> {
    let place = |name: &str| sshd.path(name).to_str().expect("a path").parse().expect("an absolute path");
    let job = CensusJob { unit: unit.into(), bridge: place("copy"), application: place("application") };
    sshd.reader().session_census(&job).await
}

/// An interpreter of a virtual environment: a link, as `python -m venv` makes it.
fn interpreter(sshd: &Sshd) -> String {
    let link = sshd.path("virtualenv-python");
    std::os::unix::fs::symlink("/usr/bin/python3", &link).expect("a link");
    link.to_str().expect("a path").to_owned()
}

const HONEST: &str = r#"
import json, os, sys
assert sys.flags.dont_write_bytecode and sys.argv[1] == "--application", sys.argv
print(json.dumps({
    "directories": [sys.argv[2], os.getcwd(), sys.executable], "sessions": 3, "untrusted": 0, "unreadable": 1,
    "expired": 1, "file_bytes": [1, 2, 3], "redis_bytes": [4, 5, 6], "redis_total_bytes": 15,
    "remaining_seconds": [7, 8, 9], "types": {"builtins.str": 4}, "unserializable": {},
}))
"#;

#[tokio::test]
async fn the_interpreter_that_runs_the_unit_counts() {
    let sshd = Sshd::start();
    bridge(&sshd, HONEST);
    let python = interpreter(&sshd);
    let mut main = service(&sshd, &python);
    let counted = census(&sshd, "app.service").await;
    let missing = census(&sshd, "other.service").await.expect_err("it is not running");
    let _ = main.kill();
    let _ = main.wait();
    let counted = counted.expect("a census");
    assert_eq!((counted.sessions, counted.redis_bytes, counted.types["builtins.str"]), (3, [4, 5, 6], 4));
    let path = |name: &str| sshd.path(name).to_str().expect("a path").to_owned();
    // Not the system's interpreter behind the link, which has none of the application's packages.
    assert_eq!(counted.directories, [path("application"), path("copy"), python]);
    assert!(missing.message.contains("other.service is not running"), "{missing}");
    assert!(!sshd.path("copy/migrate_sessions/__pycache__").exists(), "looking left byte code behind");
}

#[tokio::test]
async fn what_is_no_census_is_refused() {
    let sshd = Sshd::start();
    let python = interpreter(&sshd);
    let mut main = service(&sshd, &python);
    bridge(&sshd, "print('{\"sessions\": \"the password is xyzzy\"}')");
    let nonsense = census(&sshd, "app.service").await.expect_err("no census");
    bridge(&sshd, "import sys\nsys.exit('the session directory cannot be read')");
    let failed = census(&sshd, "app.service").await.expect_err("it failed");
    fs::remove_dir_all(sshd.path("copy")).expect("no bridge");
    let gone = census(&sshd, "app.service").await.expect_err("no bridge");
    let _ = main.kill();
    let _ = main.wait();
    assert_eq!(nonsense.class, FailureClass::Permanent);
    assert!(nonsense.message.contains("it is not a census") && nonsense.hint.is_some(), "{nonsense}");
    assert!(failed.message.contains("the session directory cannot be read"), "{failed}");
    assert!(gone.message.contains("there is no session bridge in"), "{gone}");
}
