//! A byte stream, and TCP from this machine.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::ports::Endpoint;

/// Anything bytes go both ways through.
pub(in crate::adapters) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// Opens a TCP connection from this machine.
pub(in crate::adapters) async fn connect(endpoint: &Endpoint) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
    // A request or a command is one small packet: waiting to fill it would be measured as latency.
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}
