//! Byte streams for `http` and `redis`: TCP from this machine, a tunnel through a host, TLS over either.

mod stream;
mod tls;
mod tunnel;

pub(super) use stream::{Stream, connect};
pub(super) use tls::TlsClient;
pub(super) use tunnel::Tunnel;
