//! Child processes that end with the test.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use super::descendants::descendants;

/// A server; killed and waited for when dropped.
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts `command` and waits until something listens on `port`.
    pub fn start(command: &mut Command, package: &str, port: u16) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap_or_else(|error| {
                panic!("{name} cannot be started ({error}): install it with `apt install {package}`")
            });
        let mut server = Self { child };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("{name} ended at once: {status}");
            }
            assert!(Instant::now() < deadline, "{name} does not listen on port {port}");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port for a server that a test starts. Each call gives another one, below the ephemeral range, so that neither a
/// parallel test nor an outgoing connection takes it before the server does.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = (std::process::id() % 12_000) as u16;
    loop {
        let port = 20_000 + (offset + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A port on which nobody listens, and which no server picks: tcpmux.
pub const CLOSED_PORT: u16 = 1;

/// Runs a command that has to succeed.
pub fn run(command: &mut Command, package: &str) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{name} cannot be started ({error}): install it with `apt install {package}`"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Ends the processes below `parent`, by id, each before its own children: a session before what runs in it.
pub fn kill_children(parent: u32) {
    for id in descendants(parent) {
        let _ = Command::new("kill").args(["-9", &id.to_string()]).stderr(Stdio::null()).status();
    }
}
