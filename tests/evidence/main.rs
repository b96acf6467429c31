//! The statistics, against SciPy, against statrs, by their laws, and by what they are for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "a test may panic, wait and count"
)]

mod comparing;
mod laws;
mod leaking;
mod scipy;
mod slopes;
mod soaking;
mod statrs_oracle;
mod support;
mod workers;
