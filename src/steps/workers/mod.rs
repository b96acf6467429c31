//! The number of workers under simulated users: the ramp, its judgement, and what is recommended.

mod count;
mod cross_worker_state;
mod judgement;
pub(super) mod kinds;
mod leak_check;
mod pairs;
mod ramp;
mod recommendation;
mod restart;
mod results;
mod shared_state;
