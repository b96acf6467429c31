//! The switch of a production target to its release, and back.

pub(super) mod check;
pub(super) mod facts;
pub(super) mod out_of_service;
pub(super) mod presence;
pub(super) mod processes;
pub(super) mod readings;
pub(super) mod service;
pub(super) mod step;
