//! An authority and a server certificate, made by openssl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::run;

/// Makes an authority and, issued by it, a server certificate for the names (as in subjectAltName).
pub struct Certificates {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificates {
    pub fn make(directory: &Path, names: &str) -> Self {
        let path = |name: &str| directory.join(name);
        let openssl = |arguments: &[&str]| {
            run(Command::new("openssl").args(arguments).current_dir(directory), "openssl");
        };
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let authority =
            ["req", "-x509", "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem"];
        openssl(&[&authority[..], &new_key].concat());
        let request = ["req", "-subj", "/CN=test server", "-keyout", "server.key", "-out", "server.csr"];
        openssl(&[&request[..], &new_key].concat());
        fs::write(path("extensions"), format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\n"))
            .expect("extensions");
        openssl(&[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "extensions",
            "-out",
            "server.pem",
        ]);
        Self { authority: path("ca.pem"), certificate: path("server.pem"), key: path("server.key") }
    }
}
