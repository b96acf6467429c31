//! What a gate says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The four outcomes of a judgement. No data is `Inconclusive`, and `Inconclusive` never passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Measured, and good.
    Pass,
    /// Not measured, or not enough of it.
    Inconclusive,
    /// Measured, not good enough to go on, not bad enough to go back.
    Hold,
    /// Measured, and bad.
    Abort,
}

impl Verdict {
    /// Whether one may go on. Only a `Pass` is a pass.
    pub fn passes(self) -> bool {
        matches!(self, Self::Pass)
    }

    /// The verdict over several judgements: the worst of them; `Inconclusive` when there are none.
    pub fn over(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max().unwrap_or(Self::Inconclusive)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Hold => "hold",
            Self::Abort => "abort",
        })
    }
}
