//! The interpreter loop: asks the core what to do next, does it through the steps, journals what happened.

mod abort;
mod backoff;
mod backward;
mod cancel;
mod forward;
mod preflight;
mod rehearsal;
mod run;
mod soak;
mod stop;

pub use backoff::Backoff;
pub use cancel::{Cancel, Signal};
pub use preflight::{Finding, look};
pub use run::{BuildStep, Engine, EngineParts};
pub use stop::Stop;
