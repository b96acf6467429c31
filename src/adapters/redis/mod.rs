//! The session store, through the `redis` client over a stream of our own: direct or through a host, plain or TLS.

mod classify;
mod connector;
mod info;
mod keys;
mod session;
mod stream;
mod tls;
mod writer;

pub use connector::RedisConnector;
