//! What a person may type, and when.

use migrate::core::{Phase, Resolution, RunState, missing_for};

use crate::rig::Rig;
use crate::support::at;

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// `migrate phase N`.
    Phase(Phase),
    /// `migrate rollback --to 0`.
    Rollback,
    /// `migrate stuck retry|forget`.
    Settle(Resolution),
}

/// Which commands would be accepted now.
pub fn commands(rig: &Rig, journal: &RunState) -> Vec<Command> {
    let mut commands = vec![Command::Rollback];
    if journal.stuck().is_some() {
        commands.extend([Resolution::Retried, Resolution::Forgotten].map(Command::Settle));
    } else {
        let plan = &rig.scenario.plan;
        let may_enter = |phase: &Phase| missing_for(journal, plan, *phase, at(0)).is_empty();
        // The reducer refuses a phase during a rollback; the operator is told so before anything is written.
        if !matches!(journal.direction(), migrate::core::Direction::Back(_)) {
            commands.extend(rig.scenario.phases.iter().copied().filter(may_enter).map(Command::Phase));
        }
    }
    commands
}
