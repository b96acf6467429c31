//! Target groups over time: who is deregistered finishes what it has first, who is registered is judged first.

use std::time::Duration;

use super::CloudState;
use crate::core::Failure;
use crate::ports::{RegisteredTarget, TargetGroupFacts, TargetHealth, TargetPlace};

/// A target that is on its way out of its group, or in.
#[derive(Debug, Clone)]
pub(super) struct TargetMove {
    group: String,
    place: TargetPlace,
    /// When it began.
    since: Duration,
}

impl CloudState {
    /// A target group by its ARN.
    fn group(&mut self, arn: &str) -> Result<&mut TargetGroupFacts, Failure> {
        let found = self.target_groups.values_mut().find(|group| group.arn == arn);
        found.ok_or_else(|| Failure::permanent(format!("TargetGroupNotFound: {arn}")))
    }

    fn begin_move(&mut self, group: &str, place: &TargetPlace, since: Duration) {
        self.moves.retain(|known| known.group != group || known.place != *place);
        self.moves.push(TargetMove { group: group.to_owned(), place: place.clone(), since });
    }

    pub(super) fn deregister(&mut self, group: &str, place: &TargetPlace, now: Duration) -> Result<(), Failure> {
        let targets = &mut self.group(group)?.targets;
        let Some(target) = targets.iter_mut().find(|target| place.is(target)) else { return Ok(()) };
        if target.health != TargetHealth::Draining {
            target.health = TargetHealth::Draining;
            self.begin_move(group, place, now);
        }
        Ok(())
    }

    pub(super) fn register(&mut self, group: &str, place: &TargetPlace, now: Duration) -> Result<(), Failure> {
        if !self.instances.iter().any(|(_, instance)| instance.id == place.id) {
            return Err(Failure::permanent(format!("InvalidTarget: {}", place.id)));
        }
        let targets = &mut self.group(group)?.targets;
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
        self.begin_move(group, place, now);
        Ok(())
    }

    /// Whoever has waited long enough is gone, or healthy.
    pub(super) fn move_targets(&mut self, now: Duration) {
        let timing = self.timing;
        for moved in std::mem::take(&mut self.moves) {
            let Ok(group) = self.group(&moved.group) else { continue };
            let position = group.targets.iter().position(|target| moved.place.is(target));
            let Some(position) = position else { continue };
            let waited = now.saturating_sub(moved.since);
            match &mut group.targets[position].health {
                TargetHealth::Draining if waited >= timing.draining => drop(group.targets.remove(position)),
                health @ TargetHealth::Initial if waited >= timing.judging => *health = TargetHealth::Healthy,
                TargetHealth::Draining | TargetHealth::Initial => self.moves.push(moved),
                // A test has made something else of it.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_finishes_before_it_is_gone_and_is_judged_before_it_gets_users() {
        let rollout = serde_yaml::from_str(include_str!("../../rollout.yaml")).unwrap();
        let mut cloud = CloudState::from_rollout(&rollout);
        let (arn, first) = {
            let group = cloud.target_groups.values().next().unwrap();
            (group.arn.clone(), group.targets[0].clone())
        };
        let place = TargetPlace { id: first.id, port: first.port };
        let health = |cloud: &CloudState| {
            let group = cloud.target_groups.values().next().unwrap();
            group.targets.iter().find(|target| place.is(target)).map(|target| target.health.clone())
        };
        let at = Duration::from_secs;
        cloud.deregister(&arn, &place, at(10)).unwrap();
        // Asked for twice, it does not begin anew.
        cloud.deregister(&arn, &place, at(200)).unwrap();
        cloud.catch_up(at(309));
        assert_eq!(health(&cloud), Some(TargetHealth::Draining));
        cloud.catch_up(at(310));
        assert_eq!(health(&cloud), None);
        cloud.deregister(&arn, &place, at(311)).unwrap();
        cloud.register(&arn, &place, at(320)).unwrap();
        cloud.register(&arn, &place, at(330)).unwrap();
        cloud.catch_up(at(354));
        assert_eq!(health(&cloud), Some(TargetHealth::Initial));
        cloud.catch_up(at(355));
        assert_eq!(health(&cloud), Some(TargetHealth::Healthy));
        // One that is leaving can be kept.
        cloud.deregister(&arn, &place, at(400)).unwrap();
        cloud.register(&arn, &place, at(410)).unwrap();
        cloud.catch_up(at(900));
        assert_eq!(health(&cloud), Some(TargetHealth::Healthy));
        assert!(cloud.register("arn:other", &place, at(900)).is_err());
        let stranger = TargetPlace { id: "i-0stranger".into(), port: 8080 };
        assert!(cloud.register(&arn, &stranger, at(900)).is_err());
    }
}
