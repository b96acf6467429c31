//! In which order the original and the copy take turns, so that whatever drifts meanwhile drifts for both.

use serde::{Deserialize, Serialize};

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The original, or the first of two runs of it.
    First,
    /// The copy, or the second run of the original.
    Second,
}

/// The turns of `rounds` rounds: each side once a round, and each equally often first (one round more of one of them
/// when the rounds are odd). Which side begins is drawn by the seed, so that no period of the machine's own falls in
/// with the turns; a drift that is the same in every round is cancelled by every pair of rounds.
pub fn turns(rounds: u32, seed: u64) -> Vec<Side> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut turns = Vec::with_capacity(2 * rounds as usize);
    for pair in 0..rounds.div_ceil(2) {
        let first = if random.bool() { [Side::First, Side::Second] } else { [Side::Second, Side::First] };
        turns.extend(first);
        if 2 * pair + 1 < rounds {
            turns.extend(first.iter().rev());
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_both_and_every_pair_is_a_mirror() {
        for seed in 0..20 {
            for rounds in 0..9 {
                let turns = turns(rounds, seed);
                assert_eq!(turns.len(), 2 * rounds as usize);
                assert!(turns.chunks(2).all(|round| round[0] != round[1]));
                assert!(turns.chunks_exact(4).all(|pair| pair[0] == pair[3] && pair[1] == pair[2]));
            }
        }
        assert!((0..20).any(|seed| turns(1, seed)[0] == Side::First));
        assert!((0..20).any(|seed| turns(1, seed)[0] == Side::Second));
    }
}
