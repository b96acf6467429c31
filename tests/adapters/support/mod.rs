//! Servers and fixtures.

#[cfg(feature = "aws")]
pub mod aws_server;
pub mod certificates;
#[path = "../../support/descendants.rs"]
pub mod descendants;
pub mod permits;
pub mod process;
pub mod redis_server;
pub mod sshd;
pub mod until;
