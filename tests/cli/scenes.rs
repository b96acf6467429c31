//! One command for each exit code, with the state that makes it end so.

use std::any::Any;
use std::process::{Child, Command, Stdio};

use migrate::core::Exit;

use crate::aws::{Aws, silence, stopped_instances, without_elasticache};
use crate::newer::newer_journal;
use crate::protected::edited_in_between;
use crate::recorded::recorded_today;
use crate::site::{Said, Site};

/// What happens to a command that runs.
type Meanwhile = Box<dyn FnOnce(&Child)>;

/// A command that is ready to be run once.
pub struct Scene {
    site: Site,
    command: Command,
    /// What happens while it runs.
    meanwhile: Option<Meanwhile>,
    /// Servers and locks that have to outlive it.
    _kept: Option<Box<dyn Any>>,
}

impl Scene {
    fn new(site: Site, arguments: &[&str]) -> Self {
        let command = site.command(arguments);
        Self { site, command, meanwhile: None, _kept: None }
    }

    fn keeping(self, kept: impl Any) -> Self {
        Self { _kept: Some(Box::new(kept)), ..self }
    }

    fn with(mut self, set: impl FnOnce(&mut Command)) -> Self {
        set(&mut self.command);
        self
    }

    /// The command's name.
    pub fn name(&self) -> String {
        self.command.get_args().next().and_then(|word| word.to_str()).unwrap_or_default().to_owned()
    }

    /// Runs it with these further arguments.
    pub fn play(mut self, more: &[&str]) -> Said {
        self.command.args(more);
        let Some(meanwhile) = self.meanwhile.take() else { return self.site.finish(self.command) };
        let child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        meanwhile(&child);
        self.site.said(&self.command, child.wait_with_output().unwrap())
    }
}

/// A command that ends with this exit code.
pub fn scene(exit: Exit) -> Scene {
    match exit {
        Exit::Pass => Scene::new(Site::new(), &["check"]),
        Exit::Internal => Scene::new(newer_journal(), &["approve", "1", "--reason", "CHG-1"]),
        Exit::Usage => Scene::new(Site::new(), &["approve", "4"]),
        Exit::InvalidFiles => invalid_files(),
        Exit::WaitingForPermissions => waiting_for_permissions(),
        Exit::GateFailed => gate_failed(),
        Exit::Waiting => Scene::new(Site::new(), &["phase", "2"]),
        Exit::Locked => locked(),
        Exit::PlanDrift => plan_drift(),
        Exit::Stuck => Scene::new(recorded_today("stuck"), &["phase", "1"]),
        Exit::ProtectedChanged => protected_changed(),
        Exit::Interrupted => stopped_by("INT"),
        Exit::Terminated => stopped_by("TERM"),
    }
}

fn invalid_files() -> Scene {
    let site = Site::new();
    site.edit("workers: 2", "wokers: 2");
    Scene::new(site, &["plan"])
}

fn waiting_for_permissions() -> Scene {
    let aws = Aws::start(without_elasticache);
    Scene::new(Site::new(), &["phase", "1"]).with(|command| aws.serve(command)).keeping(aws)
}

fn gate_failed() -> Scene {
    let aws = Aws::start(stopped_instances);
    Scene::new(Site::new(), &["phase", "1"]).with(|command| aws.serve(command)).keeping(aws)
}

fn locked() -> Scene {
    let (site, journal) = crate::locks::locked();
    Scene::new(site, &["approve", "4", "--reason", "CHG-1"]).keeping(journal)
}

/// Preflight has begun, and the files have changed since.
fn plan_drift() -> Scene {
    let (site, aws) = (Site::new(), Aws::start(without_elasticache));
    let mut before = site.command(&["phase", "1"]);
    aws.serve(&mut before);
    site.finish(before).expect(4);
    site.edit("node_type: cache.t4g.small", "node_type: cache.t4g.medium");
    site.edit("worker_counts: [2, 3, 4]", "worker_counts: [2, 4]");
    Scene::new(site, &["phase", "1"])
}

/// Phase 1 of a procedure that edits the application between recording and comparing it.
fn protected_changed() -> Scene {
    let (site, sshd) = edited_in_between();
    let aws = Aws::start(without_elasticache);
    let scene = Scene::new(site, &["phase", "1", "--phases", "phases"]).with(|command| aws.serve(command));
    scene.keeping((sshd, aws))
}

/// A command that waits for AWS when the signal comes.
fn stopped_by(signal: &'static str) -> Scene {
    let aws = Aws::start(silence);
    let mut scene = Scene::new(Site::new(), &["phase", "1"]).with(|command| aws.serve(command));
    scene.meanwhile = Some(Box::new(move |child| {
        aws.wait_for_a_question();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }));
    scene
}
