//! Which plan is walked, and how much may go wrong.

use migrate::core::{ChecklistItem, Contract, Phase, Plan, PlannedStep, TargetName};

use crate::support::{id, plan, planned};

/// How much may still happen. Each is spent as the model goes on, so that the state space is finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Processes that die.
    pub crashes: u8,
    /// Acts and undos that do not simply work.
    pub faults: u8,
    /// Commands of the operator.
    pub commands: u8,
    /// `migrate unlock --force` under a live process.
    pub thefts: u8,
}

/// A plan and its bounds.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What is walked.
    pub plan: Plan,
    /// The phases an operator may ask for.
    pub phases: Vec<Phase>,
    /// How much may go wrong.
    pub budget: Budget,
    /// Whether the world refuses a second thing of one name.
    pub unique_names: bool,
}

/// What every gate of a phase proves.
pub fn proven_in(phase: Phase) -> Vec<ChecklistItem> {
    ChecklistItem::ALL.into_iter().filter(|item| item.proven_in() == phase).collect()
}

fn scenario(steps: Vec<PlannedStep>, budget: Budget) -> Scenario {
    let phases = Phase::ALL.into_iter().filter(|phase| steps.iter().any(|step| step.phase == *phase)).collect();
    Scenario { plan: plan(steps), phases, budget, unique_names: false }
}

fn guarding(gate: PlannedStep, guarded: &str) -> PlannedStep {
    PlannedStep { guards: Some(id(guarded)), ..gate }
}

fn change(name: &str) -> PlannedStep {
    planned(name, Phase::Infrastructure, Contract::Change)
}

impl Scenario {
    /// Two things, the second needing the first, in a world that accepts duplicates.
    pub fn changes() -> Self {
        let steps = vec![change("1.group"), change("1.cluster")];
        scenario(steps, Budget { crashes: 3, faults: 3, commands: 4, thefts: 0 })
    }

    /// A thing, a gate on it, and in the next phase a soak.
    pub fn judged() -> Self {
        let steps = vec![
            planned("1.group", Phase::Infrastructure, Contract::Change),
            planned("1.test", Phase::Infrastructure, Contract::Gate),
            planned("2.soak", Phase::StagingCopy, Contract::Soak { seconds: 2 }),
        ];
        scenario(steps, Budget { crashes: 2, faults: 2, commands: 3, thefts: 0 })
    }

    /// Two things and a gate on both: what was judged may be removed and made again.
    pub fn judged_again() -> Self {
        let gate = planned("1.test", Phase::Infrastructure, Contract::Gate);
        let steps = vec![change("1.group"), change("1.cluster"), gate];
        scenario(steps, Budget { crashes: 1, faults: 2, commands: 4, thefts: 0 })
    }

    /// Two things, and a gate that guards both.
    pub fn guarded() -> Self {
        let gate = guarding(planned("1.test", Phase::Infrastructure, Contract::Gate), "1.group");
        let steps = vec![change("1.group"), change("1.cluster"), gate];
        scenario(steps, Budget { crashes: 2, faults: 1, commands: 4, thefts: 0 })
    }

    /// A thing, an exercise on it, and a gate after both.
    pub fn exercised() -> Self {
        let exercise = planned("1.ramp", Phase::Infrastructure, Contract::Exercise);
        let steps = vec![change("1.group"), exercise, planned("1.test", Phase::Infrastructure, Contract::Gate)];
        scenario(steps, Budget { crashes: 2, faults: 2, commands: 3, thefts: 0 })
    }

    /// Two targets, each with a change and a soak that guards it.
    pub fn targets() -> Self {
        let of = |target: &str| {
            let soak = planned(&format!("1.{target}.soak"), Phase::Infrastructure, Contract::Soak { seconds: 1 });
            let switch = format!("1.{target}.switch");
            let steps = [change(&switch), guarding(soak, &switch)];
            steps.map(|step| PlannedStep { target: Some(TargetName::new(target)), ..step })
        };
        let steps = [of("first"), of("second")].concat();
        scenario(steps, Budget { crashes: 1, faults: 2, commands: 3, thefts: 0 })
    }

    /// Two things, and a rehearsal of their rollback.
    pub fn rehearsed() -> Self {
        let rehearsal = planned("1.rehearsal", Phase::Infrastructure, Contract::Rehearsal);
        let steps = vec![change("1.group"), change("1.cluster"), rehearsal];
        scenario(steps, Budget { crashes: 1, faults: 2, commands: 4, thefts: 0 })
    }

    /// A thing, a gate on it, a rehearsal, and a gate after it.
    pub fn rehearsed_and_judged() -> Self {
        let gate = |name| planned(name, Phase::Infrastructure, Contract::Gate);
        let rehearsal = planned("1.rehearsal", Phase::Infrastructure, Contract::Rehearsal);
        let steps = vec![change("1.group"), gate("1.test"), rehearsal, gate("1.last")];
        scenario(steps, Budget { crashes: 1, faults: 1, commands: 3, thefts: 0 })
    }

    /// Two processes, one of which takes the lock away from the other.
    pub fn theft() -> Self {
        let steps = vec![change("1.group"), change("1.cluster")];
        let budget = Budget { crashes: 2, faults: 2, commands: 3, thefts: 1 };
        Self { unique_names: true, ..scenario(steps, budget) }
    }
}
