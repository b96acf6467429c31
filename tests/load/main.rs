//! The load generator against real sockets: what goes over the wire, what is counted, and when.

mod counting;
mod server;
mod timing;
mod wire;
