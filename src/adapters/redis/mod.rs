//! The session store, through the `redis` client over a stream of our own: direct or through a host, plain or TLS.

mod classify;
mod connector;
mod handshake;
mod info;
mod keys;
mod origin;
mod session;
mod writer;

pub use connector::RedisConnector;
