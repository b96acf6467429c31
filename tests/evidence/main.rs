//! The statistics, against SciPy, against statrs, by their laws, and by what they are for.

mod comparing;
mod laws;
mod scipy;
mod statrs_oracle;
mod support;
