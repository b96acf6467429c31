//! What really is, whatever the journal says of it.

use migrate::core::Verdict;

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
}

impl World {
    /// Nothing exists yet.
    pub fn empty(steps: usize, unique_names: bool) -> Self {
        Self { places: vec![Place::default(); steps], ghosts: Ghosts::default(), unique_names }
    }

    /// Makes the thing of a step. `false`: refused, there is one of that name.
    pub fn create(&mut self, step: usize, broken: bool) -> bool {
        let place = &mut self.places[step];
        if place.live > 0 {
            if self.unique_names {
                return false;
            }
            self.ghosts.doubled = true;
        }
        place.live = place.live.saturating_add(1);
        place.broken = broken;
        self.ghosts.made = true;
        true
    }

    /// Removes the thing of a step. `false`: refused, something made later still needs it.
    pub fn remove(&mut self, step: usize) -> bool {
        if self.places[step + 1..].iter().any(|later| later.live > 0) {
            return false;
        }
        self.places[step].live = 0;
        self.places[step].broken = false;
        for later in &mut self.places[step + 1..] {
            later.outdated = later.found.is_some();
        }
        true
    }

    /// Whether nothing of ours is left.
    pub fn is_empty(&self) -> bool {
        self.places.iter().all(|place| place.live == 0)
    }
}
