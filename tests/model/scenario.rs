//! Which plan is walked, and how much may go wrong.

use migrate::core::{Contract, Phase, Plan, PlannedStep};

use crate::support::{plan, planned};

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

fn scenario(steps: Vec<PlannedStep>, budget: Budget) -> Scenario {
    let phases = Phase::ALL.into_iter().filter(|phase| steps.iter().any(|step| step.phase == *phase)).collect();
    Scenario { plan: plan(steps), phases, budget, unique_names: false }
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
        scenario(steps, Budget { crashes: 2, faults: 2, commands: 4, thefts: 0 })
    }

    /// Two things and a gate on both: what was judged may be removed and made again.
    pub fn judged_again() -> Self {
        let gate = planned("1.test", Phase::Infrastructure, Contract::Gate);
        let steps = vec![change("1.group"), change("1.cluster"), gate];
        scenario(steps, Budget { crashes: 1, faults: 2, commands: 4, thefts: 0 })
    }

    /// Two processes, one of which takes the lock away from the other.
    pub fn theft() -> Self {
        let steps = vec![change("1.group"), change("1.cluster")];
        let budget = Budget { crashes: 2, faults: 2, commands: 3, thefts: 1 };
        Self { unique_names: true, ..scenario(steps, budget) }
    }
}
