//! TLS to a target.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use super::stream::Stream;
use crate::core::Failure;

/// Whom to trust, and the name the certificate has to be for.
pub(super) struct Security {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Security {
    /// Trusts the system's authorities, or those of a PEM file instead. `host` may have a port.
    ///
    /// # Errors
    /// `Permanent` when there is nobody to trust, or the host cannot be in a certificate.
    pub fn new(ca_file: Option<&Path>, host: &str) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        match ca_file {
            Some(file) => {
                let refuse = |error: &dyn std::fmt::Display| {
                    Failure::permanent(format!("{}: {error}", file.display()))
                        .hint("it has to be a PEM file with the authority's certificate")
                };
                for certificate in CertificateDer::pem_file_iter(file).map_err(|error| refuse(&error))? {
                    let certificate = certificate.map_err(|error| refuse(&error))?;
                    roots.add(certificate).map_err(|error| refuse(&error))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() {
            return Err(Failure::permanent("there is no certificate authority to trust")
                .hint("install the package `ca-certificates`"));
        }
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Failure::permanent(format!("`{host}` cannot be the name in a certificate")))?;
        // Named explicitly: with two crypto libraries in one program rustls knows no default.
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::permanent(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Secures a stream.
    pub async fn secure(&self, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.connector.connect(self.name.clone(), stream).await?))
    }
}
