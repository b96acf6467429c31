//! An sshd of our own, for the account that runs the test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use migrate::adapters::Hosts;
use migrate::core::rollout::{Ssh, SshHost};
use migrate::ports::{TargetRead, TargetsRead};
use tempfile::TempDir;

use super::process::{Server, free_port, kill_children, run};

const PROGRAM: &str = "/usr/sbin/sshd";

pub struct Sshd {
    pub directory: TempDir,
    pub port: u16,
    server: Server,
}

impl Sshd {
    pub fn start() -> Self {
        Self::with("")
    }

    /// With further lines for sshd_config.
    pub fn with(extra: &str) -> Self {
        assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is not there: install it with `apt install openssh-server`");
        // sshd run by root wants its privilege separation directory, which its service would have made.
        if fs::metadata("/proc/self").is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) == 0) {
            fs::create_dir_all("/run/sshd").expect("/run/sshd");
        }
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        for key in ["host", "user", "other-host", "other-user"] {
            let key = path(key);
            let mut command = Command::new("ssh-keygen");
            run(command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key), "openssh-client");
        }
        fs::copy(path("user.pub"), path("authorized")).expect("authorized keys");
        fs::set_permissions(path("authorized"), fs::Permissions::from_mode(0o600)).expect("mode");
        fs::create_dir(path("bin")).expect("bin");
        let port = free_port();
        let sshd = Self { port, server: serve(directory.path(), port, extra), directory };
        sshd.trust("host.pub");
        sshd.client_configuration("user", port);
        sshd
    }

    /// Writes the public key of that name into the known hosts file.
    pub fn trust(&self, key: &str) {
        let key = fs::read_to_string(self.path(key)).expect("a public key");
        fs::write(self.path("known_hosts"), format!("[127.0.0.1]:{} {key}", self.port)).expect("known hosts");
    }

    /// Trusts nobody.
    pub fn trust_nobody(&self) {
        fs::write(self.path("known_hosts"), "").expect("known hosts");
    }

    /// Writes the client's configuration: hosts `staging` and `host-*` at `port`, and the key of that name.
    pub fn client_configuration(&self, key: &str, port: u16) {
        let text = format!(
            "Host staging host-*\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {key}\n  IdentitiesOnly yes\n  \
             IdentityAgent none\n  UserKnownHostsFile {known}\n  GlobalKnownHostsFile /dev/null\n",
            key = self.path(key).display(),
            known = self.path("known_hosts").display(),
        );
        fs::write(self.path("ssh_config"), text).expect("ssh_config");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn hosts(&self) -> Arc<Hosts> {
        let connect_timeout = std::time::Duration::from_secs(20).into();
        Arc::new(Hosts::new(&Ssh { config: Some("ssh_config".into()), connect_timeout }, self.directory.path()))
    }

    pub fn reader(&self) -> Arc<dyn TargetRead> {
        self.hosts().reader(&staging())
    }

    /// Puts a program before those of the system on the host's PATH.
    pub fn install(&self, name: &str, script: &str) {
        let file = self.path("bin").join(name);
        fs::write(&file, script).expect("a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("mode");
    }

    /// The server's process.
    pub fn server_id(&self) -> u32 {
        self.server.id()
    }

    /// Kills the server and everybody's sessions.
    pub fn kill(&mut self) {
        kill_children(self.server.id());
        self.server.kill();
    }

    pub fn restart(&mut self) {
        self.kill();
        self.server = serve(self.directory.path(), self.port, "");
    }

    /// Ends open sessions; the server goes on.
    pub fn kill_sessions(&self) {
        kill_children(self.server.id());
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve(directory: &Path, port: u16, extra: &str) -> Server {
    let path = |name: &str| directory.join(name).display().to_string();
    let text = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {host}\nAuthorizedKeysFile {authorized}\nPidFile none\nUsePAM \
         no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nSetEnv \
         PATH={bin}:/usr/local/bin:/usr/bin:/bin\nMaxSessions 20\n{extra}\n",
        host = path("host"),
        authorized = path("authorized"),
        bin = path("bin"),
    );
    fs::write(directory.join("sshd_config"), text).expect("sshd_config");
    let mut command = Command::new(PROGRAM);
    Server::start(command.args(["-D", "-f"]).arg(directory.join("sshd_config")), "openssh-server", port)
}

pub fn staging() -> SshHost {
    "staging".parse().expect("a host")
}
