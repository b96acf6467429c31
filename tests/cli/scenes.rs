//! One command for each exit code, with the state that makes it end so.

use std::any::Any;
use std::process::{Command, Stdio};

use migrate::core::Exit;

use crate::aws::{Aws, silence, stopped_instances, without_elasticache};
use crate::newer::newer_journal;
use crate::protected::edited_in_between;
use crate::recorded::recorded_today;
use crate::site::{Said, Site};

/// A command in a state in which it ends with one and the same exit code, however often it is run.
pub struct Scene {
    site: Site,
    arguments: Vec<&'static str>,
    aws: Option<Aws>,
    /// The signal that it gets while it waits for AWS.
    signal: Option<&'static str>,
    /// Servers and locks that have to outlive it.
    _kept: Option<Box<dyn Any>>,
}

impl Scene {
    fn new(site: Site, arguments: &[&'static str]) -> Self {
        Self { site, arguments: arguments.to_vec(), aws: None, signal: None, _kept: None }
    }

    /// With a stand-in for AWS.
    fn on(self, aws: Aws) -> Self {
        Self { aws: Some(aws), ..self }
    }

    fn keeping(self, kept: impl Any) -> Self {
        Self { _kept: Some(Box::new(kept)), ..self }
    }

    /// The command's name.
    pub fn name(&self) -> &str {
        self.arguments[0]
    }

    /// Runs it with these further arguments.
    pub fn play(&self, more: &[&str]) -> Said {
        let mut command = self.site.command(&[&self.arguments, more].concat());
        let Some(aws) = &self.aws else { return self.site.finish(command) };
        aws.serve(&mut command);
        let Some(signal) = self.signal else { return self.site.finish(command) };
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        aws.wait_for_a_question();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        self.site.said(&command, child.wait_with_output().unwrap())
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
        Exit::HungUp => stopped_by("HUP"),
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
    Scene::new(Site::new(), &["phase", "1"]).on(Aws::start(without_elasticache))
}

fn gate_failed() -> Scene {
    Scene::new(Site::new(), &["phase", "1"]).on(Aws::start(stopped_instances))
}

fn locked() -> Scene {
    let (site, journal) = crate::locks::locked();
    Scene::new(site, &["approve", "4", "--reason", "CHG-1"]).keeping(journal)
}

/// Preflight has begun, and the files have changed since.
fn plan_drift() -> Scene {
    let scene = waiting_for_permissions();
    scene.play(&[]).expect(4);
    scene.site.edit("node_type: cache.t4g.small", "node_type: cache.t4g.medium");
    scene.site.edit("worker_counts: [2, 3, 4]", "worker_counts: [2, 4]");
    scene
}

/// Phase 1 of a procedure that edits the application between recording and comparing it.
fn protected_changed() -> Scene {
    let (site, sshd) = edited_in_between();
    Scene::new(site, &["phase", "1", "--phases", "phases"]).on(Aws::start(without_elasticache)).keeping(sshd)
}

/// A command that waits for AWS when the signal comes.
fn stopped_by(signal: &'static str) -> Scene {
    let scene = Scene::new(Site::new(), &["phase", "1"]).on(Aws::start(silence));
    Scene { signal: Some(signal), ..scene }
}
