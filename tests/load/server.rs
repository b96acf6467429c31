//! A small server that answers as a test says, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate::adapters::HttpLoad;
use migrate::core::Failure;
use migrate::core::rollout::Journey;
use migrate::ports::{Endpoint, LoadGenerator, LoadPlan, LoadResult, LoadTarget, Silent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// As written, the first line left out.
    pub headers: String,
    pub body: String,
    /// Which connection it came over, from 0.
    pub connection: usize,
}

impl Asked {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// What to do with a request.
pub enum Reply {
    /// Answer with these bytes.
    Bytes(Vec<u8>),
    /// Answer with these bytes after a while.
    Late(Duration, Vec<u8>),
    /// Answer with these bytes, then close.
    Last(Vec<u8>),
}

/// An answer with a length.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A plain 200.
pub fn ok(body: &str) -> Reply {
    Reply::Bytes(answer("200 OK", "", body))
}

pub struct Server {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Counted by its clones: one for each connection that is open, and two more.
    connected: Arc<()>,
    task: tokio::task::JoinHandle<()>,
}

/// Longer than a connection takes to close on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

impl Server {
    /// Listens on a free port of this machine.
    pub async fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (reply, log) = (Arc::new(reply), asked.clone());
        let connected = Arc::new(());
        let task = tokio::spawn({
            let connected = connected.clone();
            async move {
                for connection in 0.. {
                    let Ok((stream, _)) = listener.accept().await else { return };
                    let (reply, log, open) = (reply.clone(), log.clone(), connected.clone());
                    tokio::spawn(async move {
                        serve(stream, connection, reply, log).await;
                        drop(open);
                    });
                }
            }
        });
        Self { port, asked, connected, task }
    }

    /// Nobody listens any more.
    pub async fn stop(&self) {
        self.task.abort();
        // The listener goes with its task.
        let gone = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, gone).await.expect("the listener ends");
    }

    /// Waits until no connection is open.
    pub async fn until_all_have_left(&self) {
        let left = async {
            // This value's and the listener's.
            while Arc::strong_count(&self.connected) > 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, left).await.expect("every connection is closed");
    }

    /// Everything that was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn target(&self) -> LoadTarget {
        LoadTarget::direct("test", Endpoint { host: "127.0.0.1".into(), port: self.port })
    }

    /// Runs a load against it.
    pub async fn run(&self, journeys: &str, plan: &LoadPlan) -> Result<LoadResult, Failure> {
        HttpLoad::direct().run(&self.target(), &parse(journeys), plan, &Silent).await
    }

    /// One user who does one journey: a think time longer than the load ends it.
    pub async fn once(&self, requests: &str) -> LoadResult {
        let journeys = format!("[{{name: test, requests: [{requests}, {{get: /over, think: 1h}}]}}]");
        let plan = LoadPlan { timeout: Duration::from_millis(700), ..LoadPlan::closed(1, Duration::from_millis(150)) };
        self.run(&journeys, &plan).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Journeys as in rollout.yaml.
pub fn parse(yaml: &str) -> Vec<Journey> {
    serde_yaml::from_str(yaml).unwrap()
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    reply: Arc<impl Fn(&Asked) -> Reply>,
    log: Arc<Mutex<Vec<Asked>>>,
) {
    let mut input = Vec::new();
    while let Some(asked) = next(&mut stream, &mut input, connection).await {
        log.lock().unwrap().push(asked.clone());
        let (bytes, is_last) = match reply(&asked) {
            Reply::Bytes(bytes) => (bytes, false),
            Reply::Last(bytes) => (bytes, true),
            Reply::Late(delay, bytes) => {
                tokio::time::sleep(delay).await;
                (bytes, false)
            }
        };
        if stream.write_all(&bytes).await.is_err() || is_last {
            return;
        }
    }
}

async fn next(stream: &mut TcpStream, input: &mut Vec<u8>, connection: usize) -> Option<Asked> {
    loop {
        if let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(input[..end].to_vec()).unwrap();
            let (first, headers) = head.split_once("\r\n").unwrap();
            let mut words = first.split(' ');
            let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
            let mut asked = Asked { method, path, headers: headers.to_owned(), body: String::new(), connection };
            let length: usize = asked.header("content-length").map_or(0, |text| text.parse().unwrap());
            if input.len() >= end + 4 + length {
                asked.body = String::from_utf8(input[end + 4..end + 4 + length].to_vec()).unwrap();
                input.drain(..end + 4 + length);
                return Some(asked);
            }
        }
        if stream.read_buf(input).await.ok()? == 0 {
            return None;
        }
    }
}
