//! A site whose hosts are this machine, and a procedure that changes what it must not change.

use std::fs;

use crate::servers::sshd::Sshd;
use crate::site::Site;

const PREFLIGHT: &str = "\
version: 1
phase: 0
title: Preflight
steps:
  - caller_identity: { id: identity }
";

/// The second step changes what the first has recorded and the third compares.
const EDITED: &str = "\
version: 1
phase: 1
title: Infrastructure
steps:
  - protected_baseline: { id: baseline }
  - command:
      id: edit
      target: staging
      run: echo '# edited' >> SITE/application/wsgi.py
      verify: grep -q edited SITE/application/wsgi.py
      undo: 'true'
  - protected_unchanged: { id: unchanged, baseline: \"${protected.baseline}\" }
";

const LATER: &str = "\
version: 1
phase: NUMBER
title: Later
steps:
  - protected_unchanged: { id: unchanged, baseline: \"${protected.baseline}\" }
";

/// A site for `migrate phase 1 --phases phases`, and the server behind all of its hosts. The application's service is the
/// process of the test.
pub fn edited_in_between() -> (Site, Sshd) {
    let site = Site::new();
    let place = site.path().display().to_string();
    let sshd = Sshd::start();
    fs::copy(sshd.path("ssh_config"), site.path().join("ssh_config")).unwrap();
    site.edit("connect_timeout: 10s", "config: ssh_config\n  connect_timeout: 60s");
    site.edit("host: 18.117.115.217", "host: staging");
    site.edit("host: chatmrpt-production-1", "host: host-1");
    // Each host costs a walk through all processes of this machine.
    site.edit("    - { name: production-2, host: chatmrpt-production-2, instance: chatmrpt-production-2 }\n", "");
    site.edit("directory: /home/ec2-user/ChatMRPT\n", &format!("directory: {place}/application\n"));
    site.write("application/wsgi.py", "application = None\n");
    site.write("application.service", "[Service]\n");
    let shown = [
        format!("MainPID={}", std::process::id()),
        "LoadState=loaded".to_owned(),
        "ActiveState=active".to_owned(),
        format!("FragmentPath={place}/application.service"),
        "DropInPaths=".to_owned(),
    ];
    sshd.install("systemctl", &format!("#!/bin/sh\nprintf '%s\\n' '{}'\n", shown.join("' '")));
    site.write("phases/0-preflight.yaml", PREFLIGHT);
    site.write("phases/1-infrastructure.yaml", &EDITED.replace("SITE", &place));
    for number in ["2", "3", "4"] {
        site.write(&format!("phases/{number}-later.yaml"), &LATER.replace("NUMBER", number));
    }
    (site, sshd)
}
