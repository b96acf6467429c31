//! `migrate` moves a running web application from per-instance sessions to a shared ElastiCache session store, one
//! phase at a time, and proves at every step that nobody was logged out. `docs/architecture.md` is the map.

pub mod adapters;
pub mod cli;
pub mod configuration;
pub mod core;
pub mod engine;
pub mod evidence;
pub mod journal;
pub mod ports;
pub mod report;
pub mod sim;
pub mod steps;
