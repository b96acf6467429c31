//! `nohup migrate`: a terminal that goes away does not stop it.

use std::process::{Command, Stdio};

use crate::aws::{Aws, silence};
use crate::site::Site;

/// The same command, started by a shell that ignores SIGHUP, as `nohup` does.
fn ignoring_hang_up(command: &Command) -> Command {
    let mut ignoring = Command::new("/bin/sh");
    ignoring.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    ignoring.env_clear().current_dir(command.get_current_dir().expect("the site"));
    ignoring.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    ignoring
}

#[test]
fn an_ignored_hang_up_stays_ignored() {
    let (site, aws) = (Site::new(), Aws::start(silence));
    let mut command = site.command(&["phase", "1"]);
    aws.serve(&mut command);
    let mut command = ignoring_hang_up(&command);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    aws.wait_for_a_question();
    // The first signal that is not ignored counts.
    for signal in ["HUP", "TERM"] {
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }
    let said = site.said(&command, child.wait_with_output().unwrap()).expect(143);
    assert!(said.stderr.contains("stopped by SIGTERM"), "{said:?}");
}
