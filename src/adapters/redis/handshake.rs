//! The TLS handshake with the store, and why it failed.

use std::io;

use tokio_rustls::rustls::{self, CertificateError};

use crate::adapters::net::{Stream, TlsClient};
use crate::core::Failure;
use crate::ports::Endpoint;

/// Why there is no TLS connection.
pub(super) enum NoTls {
    /// The stream was closed, and nothing was said about TLS.
    Closed,
    /// The server speaks plain text.
    Plain,
    /// Said by one of the two sides.
    Because(Failure),
}

/// Secures a stream.
pub(super) async fn secure(
    client: &TlsClient,
    endpoint: &Endpoint,
    stream: Box<dyn Stream>,
) -> Result<Box<dyn Stream>, NoTls> {
    client.secure(stream).await.map_err(|error| reason(endpoint, &error))
}

fn reason(endpoint: &Endpoint, error: &io::Error) -> NoTls {
    match error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidMessage(_)) => NoTls::Plain,
        Some(rustls::Error::InvalidCertificate(problem)) => NoTls::Because(certificate(endpoint, problem)),
        Some(other) => NoTls::Because(Failure::permanent(format!("{endpoint}: TLS failed: {other}"))),
        None => NoTls::Closed,
    }
}

fn certificate(endpoint: &Endpoint, problem: &CertificateError) -> Failure {
    let host = &endpoint.host;
    match problem {
        // A bad signature: an authority with the trusted one's name, but not its key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            Failure::permanent(format!("{endpoint}: the certificate was issued by an authority that is not trusted"))
                .hint("check cache.tls.ca_file in rollout.yaml, or whether this is the right server")
        }
        CertificateError::NotValidForName => {
            Failure::permanent(format!("{endpoint}: the certificate is not for `{host}`"))
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented.join(", ");
            Failure::permanent(format!("{endpoint}: the certificate is not for `{host}` but for {names}"))
                .hint("use the endpoint's name exactly as ElastiCache gives it")
        }
        other => Failure::permanent(format!("{endpoint}: the certificate is not valid: {other}")),
    }
}
