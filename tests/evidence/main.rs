//! The statistics, against SciPy, against statrs, by their laws, and by what they are for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod comparing;
mod laws;
mod scipy;
mod statrs_oracle;
mod support;
