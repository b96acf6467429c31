//! TLS to the store, and why it did not come about.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore, crypto::aws_lc_rs};

use super::stream::Stream;
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

/// A client that trusts the system's authorities, or those of a PEM file instead.
///
/// # Errors
/// `Permanent` when there is nobody to trust.
pub(super) fn client(ca_file: Option<&Path>) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            let refuse = |error: &dyn std::fmt::Display| {
                Failure::permanent(format!("cache.tls.ca_file {}: {error}", file.display()))
                    .hint("it has to be a PEM file with the authority's certificate")
            };
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| refuse(&error))? {
                let certificate = certificate.map_err(|error| refuse(&error))?;
                roots.add(certificate).map_err(|error| refuse(&error))?;
            }
            if roots.is_empty() {
                return Err(refuse(&"there is no certificate in it"));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(Failure::permanent("this machine has no certificate authorities to trust")
                    .hint("install the package `ca-certificates`, or set cache.tls.ca_file in rollout.yaml"));
            }
        }
    }
    // Named explicitly: with two crypto libraries in one program rustls knows no default.
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::permanent(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Secures a stream. The certificate has to name the endpoint's host, whatever the stream goes through.
pub(super) async fn secure(
    client: &TlsConnector,
    endpoint: &Endpoint,
    stream: Box<dyn Stream>,
) -> Result<Box<dyn Stream>, NoTls> {
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|_| {
        NoTls::Because(Failure::permanent(format!("`{}` cannot be the name in a certificate", endpoint.host)))
    })?;
    match client.connect(name, stream).await {
        Ok(secured) => Ok(Box::new(secured)),
        Err(error) => Err(reason(endpoint, &error)),
    }
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
