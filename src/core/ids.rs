//! Newtypes for everything that is named, so that no two kinds of name can be mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }
    };
}

identifier!(
    /// One journey through the phases, from the first event of a journal on.
    RunId
);
identifier!(
    /// A step's name: the phase's number, a dot, and the id given in `phases/` (`1.security-group`).
    StepId
);
identifier!(
    /// The kind of a step: the single key of its map in `phases/`.
    StepKind
);
identifier!(
    /// A target as it is called in output: `staging`, or the name given in rollout.yaml.
    TargetName
);
identifier!(
    /// Who holds the lease: `user@host pid N`.
    Holder
);

impl TargetName {
    /// The staging target.
    pub fn staging() -> Self {
        Self::new(super::rollout::STAGING)
    }
}

/// A SHA-256, as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(hex::encode(sha2::Sha256::digest(bytes)))
    }

    /// Takes over 64 hexadecimal digits that somebody else computed.
    pub fn from_hex(digits: &str) -> Self {
        Self(digits.to_owned())
    }

    /// All zeros: what the first record of a journal points at.
    pub fn zero() -> Self {
        Self("0".repeat(64))
    }

    /// The 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, enough for a person.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The digest of a plan: rollout.yaml, the phases and the files they install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Hash)]
#[serde(transparent)]
pub struct PlanDigest(pub Digest);

impl fmt::Display for PlanDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.short())
    }
}

/// The fencing number of a lease: each new holder gets the next one, and an event with an older one is refused.
/// (Kleppmann, "How to do distributed locking", 2016.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl Fence {
    /// The number the next holder gets.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
