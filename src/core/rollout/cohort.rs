//! Phase 4: synthetic users who are there before a change, and must not notice it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Users that are opened on each production target before it is changed, and asked again after every change of it. What is
/// the default is not written down, so that plans from before it keep their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cohort {
    /// How many on each target.
    #[serde(skip_serializing_if = "is_usual")]
    #[schemars(range(min = 1, max = 100))]
    pub users: u32,
    /// The number of the first of them (`${user}` in the journeys). Those of other loads begin with 1: the two must not
    /// meet, because the same person signed in twice may be signed out once. Each target takes `users` and three more.
    #[serde(skip_serializing_if = "is_usual_first")]
    #[schemars(range(min = 1, max = 4_000_000_000_u32))]
    pub first_user: u32,
}

const USUAL: u32 = 20;
/// Far above what any load has, and still no more than seven digits.
const USUAL_FIRST: u32 = 9_000_001;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_usual(users: &u32) -> bool {
    *users == USUAL
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_usual_first(number: &u32) -> bool {
    *number == USUAL_FIRST
}

impl Default for Cohort {
    fn default() -> Self {
        Self { users: USUAL, first_user: USUAL_FIRST }
    }
}

/// The numbers of the users on one target. No two are the same, on no two targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CohortNumbers {
    /// Who walks a journey first, to see how far it can be walked.
    pub scout: u32,
    /// Who walk the journeys when a change is looked at.
    pub walkers: [u32; 2],
    /// The first of those who stay.
    pub first: u32,
}

impl Cohort {
    /// Whether nothing in particular was written.
    pub fn is_default(&self) -> bool {
        self == &Self::default()
    }

    /// The numbers for the target at this position, from 0.
    pub fn numbers(&self, position: usize) -> CohortNumbers {
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        let scout = self.first_user.saturating_add(position.saturating_mul(self.users.saturating_add(3)));
        let after = |count: u32| scout.saturating_add(count);
        CohortNumbers { scout, walkers: [after(1), after(2)], first: after(3) }
    }
}

#[cfg(test)]
mod tests {
    use super::Cohort;

    #[test]
    fn nobody_is_on_two_targets() {
        let cohort = Cohort { users: 2, first_user: 100 };
        let (one, other) = (cohort.numbers(0), cohort.numbers(1));
        assert_eq!((one.scout, one.walkers, one.first), (100, [101, 102], 103));
        // The second of two users has the number 104.
        assert_eq!((other.scout, other.first), (105, 108));
    }
}
