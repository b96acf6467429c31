//! The model: which actions there are, and what they lead to.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use migrate::core::{Event, Fence, RunState, Stamped};
use stateright::{Model, Property};

use crate::bug::Bug;
use crate::invariants;
use crate::operator::{Command, commands};
use crate::position::{Process, Turn, turns};
use crate::process::advance;
use crate::scenario::{Budget, Scenario};
use crate::world::World;

/// A scenario, perhaps with a bug.
#[derive(Debug)]
pub struct Rig {
    /// What is walked.
    pub scenario: Scenario,
    /// What is wrong, if anything.
    pub bug: Option<Bug>,
    /// Journals and worlds from which a rollback is known to succeed: many states share them.
    pub rescued: Mutex<HashSet<u64>>,
    /// Journals and worlds from which the phases are known to pass.
    pub passed: Mutex<HashSet<u64>>,
}

impl Rig {
    /// The protocol as shipped.
    pub fn sound(scenario: Scenario) -> Self {
        Self { scenario, bug: None, rescued: Mutex::default(), passed: Mutex::default() }
    }

    /// The protocol with one bug.
    pub fn with(scenario: Scenario, bug: Bug) -> Self {
        Self { bug: Some(bug), ..Self::sound(scenario) }
    }
}

/// A state: what the journal says (the shipped `RunState`), who is running, and what really is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// What replaying the journal gives.
    pub journal: Arc<RunState>,
    /// The processes that are alive.
    pub processes: [Option<Process>; 2],
    /// What really is.
    pub world: World,
    /// What may still go wrong.
    pub budget: Budget,
}

impl State {
    /// Puts an event through the shipped reducer. `false`: it was refused, and nothing has changed.
    pub fn absorb(&mut self, fence: Fence, event: Event) -> bool {
        match RunState::clone(&self.journal).apply(&Stamped { fence, event }) {
            Ok(after) => {
                self.journal = Arc::new(after);
                true
            }
            Err(_) => false,
        }
    }
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// An operator starts a process.
    Start(Command),
    /// The same, after `migrate unlock --force` under the process that is running.
    Steal(Command),
    /// A process takes its next micro-step.
    Advance(usize, Turn),
    /// A process dies.
    Crash(usize),
}

impl Model for Rig {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            journal: Arc::default(),
            processes: [None, None],
            world: World::empty(self.scenario.plan.steps(), self.scenario.unique_names),
            budget: self.scenario.budget,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (who, process) in state.processes.iter().enumerate() {
            let Some(process) = process else { continue };
            let allowed = |turn: &Turn| !turn.is_fault() || state.budget.faults > 0;
            actions.extend(turns(process.at).into_iter().filter(allowed).map(|turn| Action::Advance(who, turn)));
            if state.budget.crashes > 0 {
                actions.push(Action::Crash(who));
            }
        }
        if state.budget.commands == 0 {
            return;
        }
        match state.processes.iter().flatten().count() {
            0 => actions.extend(commands(self, &state.journal).into_iter().map(Action::Start)),
            1 if state.budget.thefts > 0 => {
                actions.extend(commands(self, &state.journal).into_iter().map(Action::Steal));
            }
            _ => {}
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Start(command) | Action::Steal(command) => {
                state.budget.commands -= 1;
                state.budget.thefts -= u8::from(matches!(action, Action::Steal(_)));
                for other in state.processes.iter_mut().flatten() {
                    other.has_lock = false;
                }
                let free = state.processes.iter().position(Option::is_none)?;
                state.processes[free] = Some(Process::asked_for(command));
            }
            Action::Advance(who, turn) => {
                state.budget.faults -= u8::from(turn.is_fault());
                advance(self, &mut state, who, turn);
            }
            Action::Crash(who) => {
                state.budget.crashes -= 1;
                state.processes[who] = None;
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        invariants::properties(&self.scenario)
    }
}
