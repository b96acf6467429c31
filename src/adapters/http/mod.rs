//! Simulated users over HTTP/1.1. From the wire up: `framing`, `head`, `connection`; then what a browser does (`cookie`,
//! `jar`, `redirect`); then what a journey says (`template`, `body`, `script`, `check`); then one user (`mind`), alone (`browser`) or in a crowd
//! (`user`, `generator`).

mod body;
mod browser;
mod check;
mod connection;
mod cookie;
mod fault;
mod framing;
mod generator;
mod head;
mod jar;
mod mind;
mod recorder;
mod redirect;
mod schedule;
mod script;
mod template;
mod user;
mod watchdog;
mod way;

pub use browser::HttpBrowsers;
pub use generator::HttpLoad;
