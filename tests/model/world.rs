//! What really is, whatever the journal says of it.

use migrate::core::{Contract, PlannedStep, Verdict};

/// How far a rehearsal truly is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rehearsed {
    /// None is under way.
    #[default]
    No,
    /// Since it began, something of what comes before it was always there.
    Begun,
    /// Since it began, nothing of what comes before it was there for a moment.
    Emptied,
}

/// What one step made, watched or judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// How many of it exist.
    pub live: u8,
    /// Whether it will never be usable.
    pub broken: bool,
    /// How many seconds somebody truly watched since it was last undone.
    pub watched: u8,
    /// What the last look of its gate truly found.
    pub found: Option<Verdict>,
    /// Whether what it looked at, or watched, was removed since.
    pub outdated: bool,
    /// How far its rehearsal is.
    pub rehearsed: Rehearsed,
    /// Whether a gate that guards it has said Abort since it was made.
    pub condemned: bool,
}

/// What the properties need to remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ghosts {
    /// Something was made while one of it existed.
    pub doubled: bool,
    /// A write happened without a permit.
    pub unpermitted: bool,
    /// An event of a stale writer was accepted.
    pub stale_accepted: bool,
    /// The reducer refused an event of the rightful writer: protocol and reducer disagree.
    pub contradicted: bool,
    /// Writes by a process that had lost the lease: what was in flight cannot be called back.
    pub late_writes: u8,
    /// A probe found what an earlier attempt had left behind.
    pub adopted: bool,
    /// A rollback ended after something had existed.
    pub returned: bool,
    /// A rollback ended although something was left.
    pub ended_full: bool,
    /// Something was made in a rehearsal before everything was gone.
    pub redone_early: bool,
    /// A rehearsal succeeded although not everything was gone, or not everything is back.
    pub unrehearsed: bool,
    /// A rehearsal succeeded, and rightly so.
    pub rehearsed: bool,
    /// Something was made before a soak that comes before it had ended.
    pub overtaken: bool,
    /// Something that was condemned is gone.
    pub reverted: bool,
    /// Something has existed.
    pub made: bool,
}

/// The world: one place a step, in the plan's order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// By the step's index in the plan.
    pub places: Vec<Place>,
    /// For the properties.
    pub ghosts: Ghosts,
    /// Whether a second thing of one name is refused, as AWS does.
    pub unique_names: bool,
    /// For which target each step is, numbered from 1; 0: for all.
    targets: Vec<usize>,
    /// Which steps set the whole of what they set, however often they begin again.
    exercises: Vec<bool>,
}

impl World {
    /// Nothing exists yet.
    pub fn empty(steps: &[PlannedStep], unique_names: bool) -> Self {
        let named = |step: &PlannedStep| step.target.clone();
        let first = |step| steps.iter().position(|other| named(other) == named(step)).map_or(0, |place| place + 1);
        let targets = steps.iter().map(|step| if step.target.is_some() { first(step) } else { 0 }).collect();
        let places = vec![Place::default(); steps.len()];
        let exercises = steps.iter().map(|step| step.contract == Contract::Exercise).collect();
        Self { places, ghosts: Ghosts::default(), unique_names, targets, exercises }
    }

    /// Makes the thing of a step. `false`: refused, there is one of that name.
    pub fn create(&mut self, step: usize, broken: bool) -> bool {
        let place = &mut self.places[step];
        if self.exercises[step] {
            place.live = 0;
        }
        if place.live > 0 {
            if self.unique_names {
                return false;
            }
            self.ghosts.doubled = true;
        }
        self.ghosts.redone_early |= self.places[step + 1..].iter().any(|later| later.rehearsed == Rehearsed::Begun);
        let place = &mut self.places[step];
        place.live = place.live.saturating_add(1);
        place.broken = broken;
        place.condemned = false;
        self.ghosts.made = true;
        true
    }

    /// Removes the thing of a step. `false`: refused, something made later still needs it.
    pub fn remove(&mut self, step: usize) -> bool {
        let needs =
            |later: usize| self.targets[later] * self.targets[step] == 0 || self.targets[later] == self.targets[step];
        if (step + 1..self.places.len()).any(|later| self.places[later].live > 0 && needs(later)) {
            return false;
        }
        let place = &mut self.places[step];
        self.ghosts.reverted |= place.condemned && place.live > 0;
        (place.live, place.broken, place.condemned) = (0, false, false);
        for later in (step + 1..self.places.len()).filter(|later| needs(*later)).collect::<Vec<_>>() {
            self.places[later].outdated = self.places[later].found.is_some();
        }
        self.note_empty();
        true
    }

    /// A rehearsal before which nothing is left has seen its phase undone.
    pub fn note_empty(&mut self) {
        for step in 0..self.places.len() {
            let is_empty = self.places[..step].iter().all(|place| place.live == 0);
            let place = &mut self.places[step];
            if is_empty && place.rehearsed == Rehearsed::Begun {
                place.rehearsed = Rehearsed::Emptied;
            }
        }
    }

    /// A rehearsal succeeded. It counts when everything before it was gone at once since it began, and is there again.
    pub fn count_rehearsal(&mut self, step: usize, is_change: impl Fn(usize) -> bool) {
        let is_redone = (0..step).filter(|index| is_change(*index)).all(|index| self.places[index].live == 1);
        let counts = is_redone && self.places[step].rehearsed == Rehearsed::Emptied;
        self.places[step].rehearsed = Rehearsed::No;
        self.ghosts.rehearsed |= counts;
        self.ghosts.unrehearsed |= !counts;
    }

    /// A rollback is no rehearsal.
    pub fn end_rehearsals(&mut self) {
        for place in &mut self.places {
            place.rehearsed = Rehearsed::No;
        }
    }

    /// How many of each step's thing there are, and whether they are of no use.
    pub fn standing(&self) -> Vec<(u8, bool)> {
        self.places.iter().map(|place| (place.live, place.broken)).collect()
    }

    /// Whether nothing of ours is left.
    pub fn is_empty(&self) -> bool {
        self.places.iter().all(|place| place.live == 0)
    }
}
