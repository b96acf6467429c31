//! Hosts to deploy to: names in an ssh_config, behind one real sshd of ours on this machine. Each name has a key of its
//! own, and by the key sshd tells the session where its host's directory is (`BENCH_ROOT`).

use std::fmt::Write;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::processes::{Directory, Process, run};

const PROGRAM: &str = "/usr/sbin/sshd";
/// Files in the tree that is deployed: copies of the lab's application.
pub const COPIES: usize = 11;

/// Dropped in this order: the server before the directories.
pub struct Site {
    _server: Process,
    pub port: u16,
    /// The production hosts' names.
    pub hosts: Vec<String>,
    /// On the disk that cargo builds on: a journal in memory would be no journal.
    directory: Directory,
    /// For sockets, whose paths are short.
    sockets: Directory,
}

impl Site {
    pub fn start(hosts: Vec<String>) -> Self {
        assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is not there: install it with `apt install openssh-server`");
        if fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0) {
            // What its service would have made.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let directory = Directory::new(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let sockets = Directory::new(Path::new("/tmp"));
        let path = directory.path().to_owned();
        for folder in ["keys", "bin", "home", "hosts"] {
            fs::create_dir(path.join(folder)).unwrap();
        }
        let names = || hosts.iter().map(String::as_str).chain(["staging"]);
        for key in names().chain(["sshd"]) {
            let mut command = Command::new("ssh-keygen");
            run(
                command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path.join("keys").join(key)),
                "openssh-client",
            );
        }
        let port = free_port();
        fs::write(path.join("ssh_config"), client_configuration(&path, port, names())).unwrap();
        let key = fs::read_to_string(path.join("keys/sshd.pub")).unwrap();
        fs::write(path.join("known_hosts"), format!("[127.0.0.1]:{port} {key}")).unwrap();
        let server = serve(&path, port);
        let site = Self { _server: server, port, hosts, directory, sockets };
        site.authorize(None);
        site.reset();
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn sockets(&self) -> &Path {
        self.sockets.path()
    }

    pub fn root(&self, host: &str) -> PathBuf {
        self.path("hosts").join(host)
    }

    /// `ssh` as configured for these hosts.
    pub fn ssh(&self) -> Command {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(self.path("ssh_config"));
        command
    }

    /// Lets every host's key in; all that comes then goes through `recorder`, when there is one.
    pub fn authorize(&self, recorder: Option<&Path>) {
        let forced = recorder.map(|file| format!(",command=\"{}\"", file.display())).unwrap_or_default();
        let mut text = String::new();
        for host in self.hosts.iter().map(String::as_str).chain(["staging"]) {
            let key = fs::read_to_string(self.path("keys").join(format!("{host}.pub"))).unwrap();
            writeln!(text, "environment=\"BENCH_ROOT={}\"{forced} {}", self.root(host).display(), key.trim()).unwrap();
        }
        write_executable(&self.path("authorized"), &text, 0o600);
    }

    /// A program before those of the system on the hosts' PATH.
    pub fn install(&self, name: &str, script: &str) {
        write_executable(&self.path("bin").join(name), script, 0o755);
    }

    /// Puts every host where it was before any deployment: a release that is current, and the next one's archive.
    pub fn reset(&self) {
        let archive = self.path("application.tar");
        if !archive.exists() {
            pack(&self.path("tree"), &archive);
        }
        for host in &self.hosts {
            let root = self.root(host);
            let _ = fs::remove_dir_all(&root);
            fs::create_dir_all(root.join("incoming")).unwrap();
            fs::create_dir_all(root.join("releases/1")).unwrap();
            fs::write(root.join("releases/1/run.py"), "# the release before\n").unwrap();
            std::os::unix::fs::symlink("releases/1", root.join("current")).unwrap();
            fs::copy(&archive, root.join("incoming/application.tar")).unwrap();
        }
        fs::create_dir_all(self.root("staging")).unwrap();
    }

    /// What is on the hosts, whoever deployed it: every path with its mode, its link's target or its content's hash.
    /// Directories' modes are left out: a tool's umask is not what is compared.
    pub fn deployed(&self) -> String {
        let list = "find . -type d -printf '%p\\n' -o -type l -printf '%p -> %l\\n' -o -printf '%p %m\\n' | sort; \
                    find . -type f ! -name '*.manifest' -exec sha256sum {} + | sort; sort releases/*.manifest";
        let on = |host: &String| {
            let output = Command::new("sh").args(["-c", list]).current_dir(self.root(host)).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        self.hosts.iter().map(on).collect::<Vec<_>>().join("\n")
    }

    /// How many commands sshd has started up to now.
    pub fn commands(&self) -> usize {
        self.log().lines().filter(|line| line.contains("Starting session: ")).count()
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("sshd.log")).unwrap_or_default()).into_owned()
    }
}

pub fn write_executable(file: &Path, text: &str, mode: u32) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

fn pack(tree: &Path, archive: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/application/tree");
    fs::create_dir_all(tree).unwrap();
    for number in 1..=COPIES {
        let part = tree.join(format!("part-{number:02}"));
        run(Command::new("cp").arg("-r").arg(&source).arg(part), "coreutils");
    }
    // Byte code that a run of the lab may have left there is no part of it.
    run(Command::new("tar").args(["--exclude=__pycache__", "-cf"]).arg(archive).arg("-C").arg(tree).arg("."), "tar");
}

fn client_configuration<'a>(path: &Path, port: u16, names: impl Iterator<Item = &'a str>) -> String {
    let path = path.display();
    let mut text = String::new();
    for name in names {
        writeln!(text, "Host {name}\n  IdentityFile {path}/keys/{name}").unwrap();
    }
    write!(
        text,
        "Host *\n  HostName 127.0.0.1\n  Port {port}\n  IdentitiesOnly yes\n  IdentityAgent none\n  \
         UserKnownHostsFile {path}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
    )
    .unwrap();
    text
}

/// Sessions have an empty home: what an account's .bashrc takes at each command is not what is measured.
fn serve(path: &Path, port: u16) -> Process {
    let text = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {path}/keys/sshd\nAuthorizedKeysFile {path}/authorized\nPidFile \
         none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin \
         yes\nPermitUserEnvironment BENCH_ROOT\nSetEnv HOME={path}/home \
         PATH={path}/bin:/usr/local/bin:/usr/bin:/bin\nMaxStartups 200\nMaxSessions 20\nLogLevel VERBOSE\n",
        path = path.display(),
    );
    fs::write(path.join("sshd_config"), text).unwrap();
    let mut command = Command::new(PROGRAM);
    command.arg("-D").arg("-f").arg(path.join("sshd_config")).arg("-E").arg(path.join("sshd.log"));
    let mut server = Process::start(&mut command, &path.join("sshd.log"));
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err() {
        if let Some(status) = server.ended() {
            let log = fs::read_to_string(path.join("sshd.log")).unwrap_or_default();
            panic!("{PROGRAM} ended at once, {status}: {log}");
        }
        assert!(Instant::now() < deadline, "{PROGRAM} does not listen on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

/// A port below the ephemeral range, so that no outgoing connection takes it before sshd does.
fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
