//! The session store, through the `redis` client over a stream of our own: direct or through a host, plain or TLS.

mod classify;
mod connector;
mod session;
mod stream;
mod tls;

pub use connector::RedisConnector;
