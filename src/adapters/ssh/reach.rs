//! One TCP connection attempt from this machine.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::core::Failure;
use crate::ports::{Endpoint, Reachability};

/// How long the name may take to resolve. A name that takes longer was never tried.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Tries every address of the endpoint, each for `limit`, until one is open; else tells the last one's answer.
pub(super) async fn from_here(endpoint: &Endpoint, limit: Duration) -> Result<Reachability, Failure> {
    let Ok(Ok(addresses)) = timeout(RESOLVE_TIMEOUT, lookup_host((endpoint.host.as_str(), endpoint.port))).await else {
        return Ok(Reachability::NoRoute);
    };
    let mut answer = Reachability::NoRoute;
    for address in addresses {
        answer = match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(Reachability::Open),
            Err(_) => Reachability::TimedOut,
            Ok(Err(error)) => match error.kind() {
                ErrorKind::ConnectionRefused => Reachability::Refused,
                ErrorKind::TimedOut => Reachability::TimedOut,
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
                    Reachability::NoRoute
                }
                _ => return Err(Failure::transient(format!("connecting to {endpoint}: {error}"))),
            },
        };
    }
    Ok(answer)
}
