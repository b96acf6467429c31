//! A stand-in for AWS on loopback, for the binary: it answers each action as a function says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

/// A status and a body.
pub type Reply = (u16, String);

/// Answers until the test's process ends.
pub struct Aws {
    address: SocketAddr,
    asked: Receiver<String>,
}

/// What is answered to an action with this form-encoded body.
type Answers = fn(action: &str, form: &str) -> Option<Reply>;

impl Aws {
    /// Answers as `answers` says; what it has no answer for stays open and silent.
    pub fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (tell, asked) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                std::thread::spawn(move || {
                    let Some((action, body)) = read(&stream) else { return };
                    // A test that does not wait for questions has dropped the receiver.
                    let _ = tell.send(action.clone());
                    match answers(&action, &body) {
                        Some(reply) => answer(&stream, &reply),
                        None => std::thread::park(),
                    }
                });
            }
        });
        Self { address, asked }
    }

    /// Waits until the program has asked for something, and says what.
    pub fn wait_for_a_question(&self) -> String {
        self.asked.recv_timeout(std::time::Duration::from_secs(30)).expect("AWS is asked something")
    }

    /// Has `migrate` call this instead of AWS.
    pub fn serve(&self, command: &mut Command) {
        command
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.address))
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "secret-key-of-the-tests");
    }
}

/// The action that is asked for, and the body of the request.
fn read(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut target) = (0, None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let (name, value) = line.trim().split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "x-amz-target" => target = value.trim().rsplit('.').next().map(str::to_owned),
            _ => {}
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let form = body.split('&').find_map(|field| field.strip_prefix("Action="));
    Some((target.or_else(|| form.map(str::to_owned))?, body))
}

fn answer(mut stream: &TcpStream, (status, body): &Reply) {
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

/// The user `ada` of account 123456789012.
fn caller(action: &str) -> Reply {
    let result = "<Arn>arn:aws:iam::123456789012:user/ada</Arn><UserId>AIDA</UserId><Account>123456789012</Account>";
    query(action, result)
}

/// A success of the query protocol (ElastiCache, IAM, STS).
fn query(action: &str, result: &str) -> Reply {
    (200, format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"))
}

/// A success of EC2.
fn ec2(action: &str, result: &str) -> Reply {
    (200, format!("<{action}Response>{result}</{action}Response>"))
}

fn ec2_error(status: u16, code: &str) -> Reply {
    let error = format!("<Error><Code>{code}</Code><Message>said so</Message></Error>");
    (status, format!("<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>"))
}

/// An account with three instances in one VPC, whose caller may do everything but what is ElastiCache's and the reading
/// of the auth token.
pub fn without_elasticache(action: &str, form: &str) -> Option<Reply> {
    Some(match action {
        "GetCallerIdentity" => caller(action),
        "DescribeInstances" => ec2(action, &instance("running")),
        "DescribeSubnets" => ec2(
            action,
            "<subnetSet><item><subnetId>subnet-1</subnetId><availabilityZone>us-east-2a</availabilityZone></item>\
             <item><subnetId>subnet-2</subnetId><availabilityZone>us-east-2b</availabilityZone></item></subnetSet>",
        ),
        "SimulatePrincipalPolicy" => query(action, &decisions(form)),
        "CreateSecurityGroup" => ec2_error(412, "DryRunOperation"),
        "GetSecretValue" => {
            (400, r#"{"__type":"AccessDeniedException","Message":"ada may not read this secret"}"#.to_owned())
        }
        _ => return None,
    })
}

/// The same account, with instances that do not run.
pub fn stopped_instances(action: &str, form: &str) -> Option<Reply> {
    if action == "DescribeInstances" {
        return Some(ec2(action, &instance("stopped")));
    }
    without_elasticache(action, form)
}

/// The one instance that every question for instances finds.
fn instance(state: &str) -> String {
    format!(
        "<reservationSet><item><instancesSet><item><instanceId>i-0abc</instanceId><instanceState><name>{state}</name>\
         </instanceState><vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId><privateIpAddress>10.0.0.1</privateIpAddress>\
         <groupSet><item><groupId>sg-web</groupId><groupName>web</groupName></item></groupSet></item></instancesSet>\
         </item></reservationSet>"
    )
}

/// One decision for each action that a simulation asks about.
fn decisions(form: &str) -> String {
    let names = form.split('&').filter(|field| field.starts_with("ActionNames.member."));
    let results = names.filter_map(|field| {
        let action = field.split_once('=')?.1.replace("%3A", ":");
        let decision = if action.starts_with("elasticache:") { "implicitDeny" } else { "allowed" };
        Some(format!(
            "<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>"
        ))
    });
    let results: String = results.collect();
    format!("<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>")
}

/// An account in which nothing carries any tag.
pub fn empty_account(action: &str, _: &str) -> Option<Reply> {
    Some(match action {
        "GetCallerIdentity" => caller(action),
        "DescribeReplicationGroups" => query(action, "<ReplicationGroups/>"),
        "DescribeCacheSubnetGroups" => query(action, "<CacheSubnetGroups/>"),
        "DescribeSecurityGroups" => ec2(action, "<securityGroupInfo/>"),
        _ => return None,
    })
}

/// Takes every request and never answers.
pub fn silence(_: &str, _: &str) -> Option<Reply> {
    None
}
