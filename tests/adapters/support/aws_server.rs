//! An HTTP server that answers as AWS would, one canned reply a request, and remembers what it was asked.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_sdk_sts::config::Credentials;
use migrate::adapters::{AwsCloud, AwsSecrets};

use super::permits::rollout;

/// One reply.
pub enum Reply {
    /// A status and a body.
    Answer(u16, String),
    /// The request is read, and the connection closed.
    Lost,
}

pub struct AwsServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl AwsServer {
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        let log = requests.clone();
        // Ends with the test's process; it waits for connections and nothing else.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                log.lock().expect("lock").push(request);
                match replies.pop_front() {
                    Some(Reply::Answer(status, body)) => answer(&stream, status, &body),
                    Some(Reply::Lost) => {}
                    None => answer(&stream, 400, "<Error><Code>NoReplyLeft</Code></Error>"),
                }
            }
        });
        Self { address, requests }
    }

    /// What was asked, form-encoded or JSON.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("lock").clone()
    }

    pub async fn open(&self) -> (AwsCloud, AwsSecrets) {
        open_at(&format!("http://{}", self.address)).await
    }
}

pub async fn open_at(url: &str) -> (AwsCloud, AwsSecrets) {
    let credentials = Credentials::new("AKIDTEST", "secret-key-of-the-tests", None, None, "test");
    AwsCloud::open_with(&rollout(), |loader| loader.endpoint_url(url).credentials_provider(credentials)).await
}

fn read(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

fn answer(mut stream: &TcpStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

/// An error as the query protocol (ElastiCache, IAM, STS) has it.
pub fn query_error(status: u16, code: &str) -> Reply {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>said so</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    );
    Reply::Answer(status, body)
}

/// An error as EC2 has it.
pub fn ec2_error(status: u16, code: &str) -> Reply {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>said so</Message></Error></Errors>\
         <RequestID>r</RequestID></Response>"
    );
    Reply::Answer(status, body)
}

/// A success of the query protocol: `<NameResponse><NameResult>...`.
pub fn query_answer(name: &str, result: &str) -> Reply {
    Reply::Answer(200, format!("<{name}Response><{name}Result>{result}</{name}Result></{name}Response>"))
}

/// A success of EC2: `<NameResponse>...`.
pub fn ec2_answer(name: &str, result: &str) -> Reply {
    Reply::Answer(200, format!("<{name}Response>{result}</{name}Response>"))
}

/// A replication group in this state.
pub fn described(status: &str, description: &str) -> Reply {
    query_answer(
        "DescribeReplicationGroups",
        &format!(
            "<ReplicationGroups><ReplicationGroup><ReplicationGroupId>g</ReplicationGroupId><ARN>arn:g</ARN>\
             <Status>{status}</Status><Description>{description}</Description><TransitEncryptionEnabled>true\
             </TransitEncryptionEnabled><AuthTokenEnabled>true</AuthTokenEnabled><CacheNodeType>cache.t4g.small\
             </CacheNodeType><NodeGroups><NodeGroup><PrimaryEndpoint><Address>g.cache.example</Address><Port>6379\
             </Port></PrimaryEndpoint></NodeGroup></NodeGroups></ReplicationGroup></ReplicationGroups>"
        ),
    )
}

/// The rollout's tag with this value.
pub fn listed(value: &str) -> Reply {
    let tag = format!("<TagList><Tag><Key>migrate:rollout</Key><Value>{value}</Value></Tag></TagList>");
    query_answer("ListTagsForResource", &tag)
}

/// The description of a group of ours.
pub const OURS: &str = "created by migrate; migrate:rollout=chatmrpt-sessions";
