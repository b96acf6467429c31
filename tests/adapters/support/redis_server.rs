//! A redis-server of our own, plain or with TLS, with or without a token.

use std::path::PathBuf;
use std::process::Command;

use migrate::ports::Endpoint;
use tempfile::TempDir;

use super::certificates::Certificates;
use super::process::{Server, free_port};

pub struct RedisServer {
    pub port: u16,
    pub directory: TempDir,
    _server: Server,
}

pub const TOKEN: &str = "a-token-of-the-tests-0123456789";

impl RedisServer {
    pub fn plain(token: Option<&str>) -> Self {
        Self::start(token, None)
    }

    /// TLS, with a certificate for these names.
    pub fn secured(token: Option<&str>, names: &str) -> Self {
        Self::start(token, Some(names))
    }

    fn start(token: Option<&str>, names: Option<&str>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let number = port.to_string();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]).arg(directory.path());
        match names {
            None => drop(command.args(["--port", &number])),
            Some(names) => {
                let made = Certificates::make(directory.path(), names);
                command.args(["--port", "0", "--tls-port", &number, "--tls-auth-clients", "no", "--tls-cert-file"]);
                command.arg(made.certificate).arg("--tls-key-file").arg(made.key);
                command.arg("--tls-ca-cert-file").arg(made.authority);
            }
        }
        if let Some(token) = token {
            command.args(["--requirepass", token]);
        }
        let server = Server::start(&mut command, "redis-server", port);
        Self { port, directory, _server: server }
    }

    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub fn endpoint(&self, host: &str) -> Endpoint {
        Endpoint { host: host.to_owned(), port: self.port }
    }
}
