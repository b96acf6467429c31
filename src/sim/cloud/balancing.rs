//! Target groups over time: a deregistered target is drained first, a registered one is checked first.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cluster::Timing;
use crate::core::Failure;
use crate::ports::{RegisteredTarget, TargetGroupFacts, TargetHealth, TargetPlace};

/// Target groups, by name.
type Groups = BTreeMap<String, TargetGroupFacts>;

/// A target that is on its way out of its group, or in.
#[derive(Debug, Clone)]
struct TargetMove {
    group: String,
    place: TargetPlace,
    /// When it began.
    since: Duration,
}

/// The targets that are on their way out or in.
#[derive(Debug, Clone, Default)]
pub(super) struct TargetMoves(Vec<TargetMove>);

/// A target group by its ARN.
fn by_arn<'a>(groups: &'a mut Groups, arn: &str) -> Result<&'a mut TargetGroupFacts, Failure> {
    let found = groups.values_mut().find(|group| group.arn == arn);
    found.ok_or_else(|| Failure::permanent(format!("TargetGroupNotFound: {arn}")))
}

impl TargetMoves {
    fn begin(&mut self, group: &str, place: &TargetPlace, since: Duration) {
        self.0.retain(|known| known.group != group || known.place != *place);
        self.0.push(TargetMove { group: group.to_owned(), place: place.clone(), since });
    }

    /// Begins a deregistration, unless it has begun.
    pub fn deregister(
        &mut self,
        groups: &mut Groups,
        group: &str,
        place: &TargetPlace,
        now: Duration,
    ) -> Result<(), Failure> {
        let targets = &mut by_arn(groups, group)?.targets;
        let Some(target) = targets.iter_mut().find(|target| place.is(target)) else { return Ok(()) };
        if target.health != TargetHealth::Draining {
            target.health = TargetHealth::Draining;
            self.begin(group, place, now);
        }
        Ok(())
    }

    /// Begins a registration, unless it has begun. A target that is draining stays.
    pub fn register(
        &mut self,
        groups: &mut Groups,
        group: &str,
        place: &TargetPlace,
        now: Duration,
    ) -> Result<(), Failure> {
        let targets = &mut by_arn(groups, group)?.targets;
        let known = targets.iter_mut().find(|target| place.is(target));
        match known {
            Some(target) if target.health != TargetHealth::Draining => return Ok(()),
            Some(target) => target.health = TargetHealth::Initial,
            None => {
                let (id, port) = (place.id.clone(), place.port);
                targets.push(RegisteredTarget { id, port, health: TargetHealth::Initial });
                targets.sort_by(|one, other| (&one.id, one.port).cmp(&(&other.id, other.port)));
            }
        }
        self.begin(group, place, now);
        Ok(())
    }

    /// Removes the targets that have drained, and makes those healthy that have been checked for long enough.
    pub fn catch_up(&mut self, groups: &mut Groups, timing: &Timing, now: Duration) {
        for moved in std::mem::take(&mut self.0) {
            let Ok(group) = by_arn(groups, &moved.group) else { continue };
            let position = group.targets.iter().position(|target| moved.place.is(target));
            let Some(position) = position else { continue };
            let waited = now.saturating_sub(moved.since);
            match &mut group.targets[position].health {
                TargetHealth::Draining if waited >= timing.draining => drop(group.targets.remove(position)),
                health @ TargetHealth::Initial if waited >= timing.judging => *health = TargetHealth::Healthy,
                TargetHealth::Draining | TargetHealth::Initial => self.0.push(moved),
                // A test has made something else of it.
                _ => {}
            }
        }
    }
}
