//! The configuration of TLS clients, and the handshake.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use super::stream::Stream;
use crate::core::Failure;

/// A TLS client of one server: the trusted authorities, and the name that the certificate must have.
pub(in crate::adapters) struct TlsClient {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsClient {
    /// Trusts the system's authorities, or those of a PEM file instead. `host` has no port.
    ///
    /// # Errors
    /// `Permanent` when no authority is trusted, or when `host` is not a name that a certificate can contain.
    pub(in crate::adapters) fn new(ca_file: Option<&Path>, host: &str) -> Result<Self, Failure> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Failure::permanent(format!("`{host}` cannot be the name in a certificate")))?;
        let roots = match ca_file {
            Some(file) => authorities_in(file)?,
            None => authorities_of_the_system()?,
        };
        // Named explicitly: with two crypto libraries in one program rustls knows no default.
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::permanent(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Secures a stream. The certificate must have the host's name, whatever the stream goes through.
    pub(in crate::adapters) async fn secure(&self, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.connector.connect(self.name.clone(), stream).await?))
    }
}

fn authorities_in(file: &Path) -> Result<RootCertStore, Failure> {
    let refuse = |error: &dyn Display| {
        Failure::permanent(format!("the CA file {} cannot be used: {error}", file.display()))
            .hint("set cache.tls.ca_file in rollout.yaml to a PEM file with the authority's certificate")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| refuse(&error))? {
        let certificate = certificate.map_err(|error| refuse(&error))?;
        roots.add(certificate).map_err(|error| refuse(&error))?;
    }
    if roots.is_empty() { Err(refuse(&"it contains no certificate")) } else { Ok(roots) }
}

fn authorities_of_the_system() -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Failure::permanent("this machine has no certificate authorities to trust")
            .hint("install the package `ca-certificates`, or set cache.tls.ca_file in rollout.yaml"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::FailureClass;

    fn refused(content: &str, host: &str) -> Failure {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        TlsClient::new(Some(file.path()), host).err().unwrap()
    }

    #[test]
    fn a_file_without_a_certificate_is_refused_with_its_setting() {
        for content in ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let failure = refused(content, "cache.example.org");
            assert_eq!(failure.class, FailureClass::Permanent, "{content}");
            assert!(failure.message.starts_with("the CA file /"), "{}", failure.message);
            assert!(failure.hint.unwrap().contains("cache.tls.ca_file"), "{content}");
        }
        let missing = TlsClient::new(Some(Path::new("/no/such.pem")), "cache.example.org").err().unwrap();
        assert!(missing.message.contains("/no/such.pem"), "{}", missing.message);
    }

    #[test]
    fn a_host_that_no_certificate_can_name_is_refused() {
        for host in ["", "two words", "host:6380", "a/b"] {
            let failure = refused("", host);
            assert!(failure.message.ends_with("cannot be the name in a certificate"), "{}", failure.message);
        }
    }
}
