//! Replays what the shipped engine did through the model's protocol: at every entry of the recording, some walk of
//! the model must have shown exactly the same.

use std::collections::{BTreeSet, HashMap};

use stateright::Model;

use crate::position::{At, Turn, turns};
use crate::process::advance_visibly;
use crate::rig::{Action, Rig, State};
use crate::scenario::Budget;
use crate::trace::TraceEntry;

/// No limit ends while a recording is followed: the recording says how much went wrong.
const ENOUGH: Budget = Budget { crashes: 9, faults: 9, commands: 9, thefts: 0 };

/// A micro-step of the protocol and how it turned out, whatever the step.
pub type Walked = (String, Turn);

/// Where the model may be, and the micro-steps that it took there since the last entry.
type Places = HashMap<State, BTreeSet<Walked>>;

/// The engine did something that the model does not.
#[derive(Debug, PartialEq, Eq)]
pub struct Drift {
    /// The entry of the recording, from 0.
    pub entry: usize,
    /// What the engine did.
    pub engine: TraceEntry,
    /// Where the model's process was, on every walk that had shown the same so far.
    pub model: Vec<Option<At>>,
}

/// Follows a whole recording. The micro-steps that the model took.
///
/// # Errors
/// At the first entry that no walk of the model shows.
pub fn follow(rig: &Rig, trace: &[TraceEntry]) -> Result<BTreeSet<Walked>, Box<Drift>> {
    let mut places: Places = rig.init_states().into_iter().map(|state| (state, BTreeSet::new())).collect();
    let mut walked = BTreeSet::new();
    for (entry, engine) in trace.iter().enumerate() {
        let next = after(rig, &places, engine);
        if next.is_empty() {
            let mut model: Vec<_> = places.keys().map(|state| state.processes[0].as_ref().map(|one| one.at)).collect();
            model.dedup();
            return Err(Box::new(Drift { entry, engine: engine.clone(), model }));
        }
        walked.extend(next.values().flatten().cloned());
        places = next.into_keys().map(|state| (State { budget: ENOUGH, ..state }, BTreeSet::new())).collect();
    }
    Ok(walked)
}

fn after(rig: &Rig, places: &Places, entry: &TraceEntry) -> Places {
    let mut reached = Places::new();
    let mut reach = |state: State, walked: BTreeSet<Walked>| reached.entry(state).or_default().extend(walked);
    let mut unseen: Vec<(State, BTreeSet<Walked>)> = places.iter().map(|(a, b)| (a.clone(), b.clone())).collect();
    // Any number of micro-steps that are not visible come before the entry.
    while let Some((state, walked)) = unseen.pop() {
        let Some(process) = &state.processes[0] else {
            match entry {
                TraceEntry::Started(command) => {
                    reach(rig.next_state(&state, Action::Start(*command)).expect("no other process is alive"), walked);
                }
                // Killed right after the last thing that it did, it has ended as well.
                TraceEntry::Ended | TraceEntry::Died => reach(state, walked),
                TraceEntry::Did(_) => {}
            }
            continue;
        };
        if *entry == TraceEntry::Died {
            reach(rig.next_state(&state, Action::Crash(0)).expect("it is alive"), walked.clone());
        }
        for turn in turns(process.at) {
            let mut next = state.clone();
            let seen = advance_visibly(rig, &mut next, 0, turn);
            let mut walked = walked.clone();
            walked.insert((name_of(process.at), turn));
            match (seen, entry) {
                (None, _) => unseen.push((next, walked)),
                (Some(seen), TraceEntry::Did(done)) if seen == *done => reach(next, walked),
                (Some(_), _) => {}
            }
        }
    }
    reached
}

/// A micro-step without its step.
pub fn name_of(at: At) -> String {
    let whole = format!("{at:?}");
    whole.split('(').next().unwrap_or_default().to_owned()
}
