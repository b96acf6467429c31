//! A stage for the steps of phase 4: two production targets, and as facts what the phases before have learnt.

use std::collections::BTreeMap;

use migrate::core::rollout::Rollout;
use migrate::core::{Contract, Digest, Facts, Plan, PlannedStep, StepId};
use migrate::ports::ReleaseName;
use migrate::sim::{Host, World};
use migrate::steps::{self, Change, Step};
use serde_json::json;

use super::production;
use super::site;
use super::stage::Stage;

pub const FIRST: &str = "production-1";
pub const SECOND: &str = "production-2";
/// The live tree.
pub const LIVE: &str = "/home/ec2-user/ChatMRPT";

/// The changes of this session's steps, in their order.
pub const CHANGES: [&str; 3] = ["room", "package", "switch"];

/// A host of production.
pub fn host_of(rollout: &Rollout, target: &str) -> String {
    let found = rollout.production.targets.iter().find(|known| known.name.as_str() == target);
    found.unwrap().host.to_string()
}

/// Changes a host behind everyone's back, or looks at it.
pub fn on<T>(world: &World, target: &str, change: impl FnOnce(&mut Host) -> T) -> T {
    let host = host_of(&site::rollout(), target);
    world.edit(|state| change(state.hosts.get_mut(&host).unwrap()))
}

/// The steps of both targets, without those of this phase that are not under test.
pub fn steps() -> Vec<PlannedStep> {
    let names = || CHANGES.into_iter().chain(["processes"]);
    let is_ours = |step: &PlannedStep| names().any(|name| step.id.as_str().ends_with(&format!(".{name}")));
    production::steps(&[FIRST, SECOND]).into_iter().filter(is_ours).collect()
}

/// A plan of preflight's baseline and these steps.
pub fn plan_of(rollout: Rollout, mut steps: Vec<PlannedStep>) -> Plan {
    steps.insert(0, site::planned(0, &json!({ "protected_baseline": { "id": "baseline" } })));
    let files = site::installed().into_iter().map(|(path, bytes)| (path, Digest::of(&bytes))).collect();
    Plan::new(rollout, BTreeMap::new(), steps, files).unwrap()
}

/// What the phases before have learnt.
pub fn known(baseline: &Facts) -> Facts {
    let mut facts = Facts::new().with("cluster.endpoint", "store.example:6379").with("workers.recommended", "3");
    facts.extend(baseline);
    facts
}

pub struct Target {
    pub stage: Stage,
}

impl Target {
    pub async fn new() -> Self {
        Self::of(site::rollout()).await
    }

    pub async fn of(rollout: Rollout) -> Self {
        let mut stage = Stage::new(plan_of(rollout, steps()));
        let baseline = stage.observe("protected_baseline").await.unwrap().facts;
        stage.facts = known(&baseline);
        Self { stage }
    }

    /// With everything of the first target done before this one.
    pub async fn before(name: &str) -> Self {
        let mut target = Self::new().await;
        for change in CHANGES.into_iter().take_while(|change| *change != name) {
            target.up(change).await;
        }
        target
    }

    pub fn change(&self, name: &str) -> (StepId, Box<dyn Change>) {
        let id = StepId::new(format!("4.{FIRST}.{name}"));
        let planned = self.stage.plan.step(&id).unwrap();
        assert_eq!(planned.contract, Contract::Change);
        match steps::build(planned).unwrap() {
            Step::Change(step) => (id, step),
            _ => panic!("{id} is no change"),
        }
    }

    pub async fn up(&mut self, name: &str) {
        let (id, step) = self.change(name);
        self.stage.bring_up(&id, &*step).await;
    }

    pub async fn down(&mut self, name: &str) {
        let (id, step) = self.change(name);
        self.stage.take_down(&id, &*step).await;
    }

    pub async fn apply(&mut self, name: &str) -> Result<(), migrate::ports::WriteFailure> {
        let (id, step) = self.change(name);
        self.stage.apply(&id, &*step).await
    }

    pub async fn undo(&mut self, name: &str) -> Result<(), migrate::ports::WriteFailure> {
        let (id, step) = self.change(name);
        self.stage.undo(&id, &*step).await
    }

    pub async fn probe(&self, name: &str) -> migrate::steps::Presence {
        self.stage.probe(&*self.change(name).1).await
    }

    pub async fn probe_blind(&self, name: &str) -> migrate::steps::Presence {
        self.stage.probe_blind(&*self.change(name).1).await
    }

    /// What is wrong with a step that was brought up.
    pub async fn wrong(&self, name: &str) -> Vec<String> {
        let measured = self.change(name).1.verify(&self.stage.reader(&self.stage.facts), &self.stage.facts).await;
        let bad = measured.unwrap().into_iter().filter(|measurement| !measurement.verdict.passes());
        bad.map(|measurement| measurement.summary).collect()
    }

    /// Changes the first target behind everyone's back, or looks at it.
    pub fn on<T>(&self, change: impl FnOnce(&mut Host) -> T) -> T {
        on(&self.stage.world, FIRST, change)
    }

    /// What the release is called.
    pub fn release(&self) -> ReleaseName {
        let facts: BTreeMap<String, serde_json::Value> =
            serde_json::from_value(serde_json::to_value(&self.stage.facts).unwrap()).unwrap();
        serde_json::from_value(facts["release.name"].clone()).unwrap()
    }
}
