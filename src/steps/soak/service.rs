//! Whether the soaked target still runs the release it was switched to, and gets users.

use std::collections::BTreeMap;

use crate::core::rollout::{LoadBalancer, Name, ProductionTarget, Rollout};
use crate::core::{Failure, Judgement, Subject, Verdict};
use crate::ports::{LiveTree, ProcessFacts, ReleaseFacts, ReleaseName, TargetGroupFacts, TargetHealth};
use crate::steps::ReadContext;
use crate::steps::site::release_layout;
use crate::steps::targets::group_inspection;

/// Who is registered with the load balancer.
#[derive(Debug, Default)]
pub struct Registered {
    /// `None` when there is no load balancer.
    group: Option<TargetGroupFacts>,
    /// Declared targets, by instance id.
    declared: BTreeMap<String, Name>,
    /// What the group is called.
    name: String,
}

impl Registered {
    /// Asks AWS.
    ///
    /// # Errors
    /// When AWS cannot be asked.
    pub async fn look(context: &ReadContext<'_>) -> Result<Self, Failure> {
        let production = &context.rollout().production;
        let LoadBalancer::Group(group) = &production.load_balancer else { return Ok(Self::default()) };
        let declared = group_inspection::declared(context).await?;
        let name = group.target_group.clone();
        let found = context.ports.cloud.target_group(&name).await?;
        let empty =
            || TargetGroupFacts { arn: name.clone(), health_path: String::new(), sticky: false, targets: Vec::new() };
        Ok(Self { group: Some(found.unwrap_or_else(empty)), declared, name })
    }

    fn health(&self, target: &Name) -> Option<&TargetHealth> {
        let known = |id: &String| self.declared.get(id) == Some(target);
        self.group.as_ref()?.targets.iter().find(|one| known(&one.id)).map(|one| &one.health)
    }

    /// Whether users come to it, as far as a load balancer knows.
    pub fn is_in_service(&self, target: &Name) -> bool {
        self.group.is_none() || matches!(self.health(target), Some(TargetHealth::Healthy))
    }

    /// Judges the soaked one. One that is sick while others are well is reason to go back; what a person has done to it,
    /// and what is wrong with all of them, is not.
    pub fn judge(&self, target: &Name) -> Vec<Judgement> {
        let Some(group) = &self.group else { return Vec::new() };
        let reason = |verdict, words: String| Judgement::new(Subject::Registration, verdict, words);
        let name = &self.name;
        let mut reasons = Vec::new();
        let others_are_well = || self.declared.values().any(|other| other != target && self.is_in_service(other));
        match self.health(target) {
            Some(TargetHealth::Healthy) => {}
            Some(TargetHealth::Unhealthy(why)) => {
                let is_alone = self.declared.len() == 1;
                let verdict = if is_alone || others_are_well() { Verdict::Abort } else { Verdict::Hold };
                let all = if verdict == Verdict::Hold { ", and so is every other target" } else { "" };
                reasons.push(reason(verdict, format!("{name} does not find it healthy ({why}){all}")));
            }
            Some(TargetHealth::Idle(why)) => {
                reasons.push(reason(Verdict::Hold, format!("{name} sends it no users: {why}")));
            }
            Some(TargetHealth::Initial) => {
                reasons.push(reason(Verdict::Hold, format!("{name} has not judged it yet: it was just registered")));
            }
            Some(TargetHealth::Draining) => {
                reasons.push(reason(Verdict::Hold, format!("it is being deregistered from {name}")));
            }
            None => reasons.push(reason(Verdict::Hold, format!("it is not registered with {name}"))),
        }
        let strangers = group.targets.iter().filter(|one| !self.declared.contains_key(&one.id));
        reasons.extend(strangers.take(1).map(|stranger| {
            let id = &stranger.id;
            let words =
                format!("{id} is registered with {name}, but is not a target in rollout.yaml: what does it run?");
            reason(Verdict::Hold, words)
        }));
        reasons
    }
}

/// What runs.
#[derive(Debug)]
pub struct Running {
    facts: ReleaseFacts,
}

impl Running {
    /// Looks.
    ///
    /// # Errors
    /// When the target cannot be reached.
    pub async fn look(context: &ReadContext<'_>, target: &ProductionTarget) -> Result<Self, Failure> {
        let site = release_layout::site(context.rollout())?;
        Ok(Self { facts: context.ports.targets.reader(&target.host).releases(&site).await? })
    }

    /// The main process.
    pub fn master(&self) -> Option<ProcessFacts> {
        self.facts.running.as_ref().map(|running| running.master)
    }

    /// For the record.
    pub fn facts(&self) -> &ReleaseFacts {
        &self.facts
    }

    /// Whether the release is still the one of this soak. A person has changed it, if it is not: nothing that is seen now
    /// is about the release, and going back over a person's head is not for a program.
    pub fn changed(&self, release: &ReleaseName, rollout: &Rollout) -> Option<Judgement> {
        let named = |tree: &LiveTree| match tree {
            LiveTree::Original => "the original".to_owned(),
            LiveTree::Release(name) => format!("release {name}"),
            LiveTree::Foreign(what) => what.clone(),
        };
        let is_ours = |tree: &LiveTree| matches!(tree, LiveTree::Release(name) if name == release);
        let live = &self.facts.live;
        let directory = &rollout.application.directory;
        let words = if is_ours(live) {
            let running = self.facts.running.as_ref().filter(|running| !is_ours(&running.tree))?;
            format!("the release was changed by hand: {} runs, not release {release}", named(&running.tree))
        } else {
            format!("the release was changed by hand: {directory} is {} now, not release {release}", named(live))
        };
        Some(Judgement::new(Subject::Release, Verdict::Hold, words))
    }

    /// Another master of the same service beside the main one serves users, too, and from another tree perhaps.
    pub fn beside(&self) -> Option<Judgement> {
        let running = self.facts.running.as_ref()?;
        let other = running.beside.first()?;
        let words = format!("another master of the same service runs beside {}: {}", running.master.pid, other.pid);
        Some(Judgement::new(Subject::Release, Verdict::Hold, words))
    }
}
