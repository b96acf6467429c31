//! The load generator beside `wrk`: paired, alternating, on the same core, against the same keep-alive server in a
//! process of its own on another core; and what 10,000 users weigh.
//!
//! `cargo bench --no-default-features --bench load` (needs `wrk` and `taskset`; `-- --rounds 4 --seconds 2` for less,
//! `-- --memory` for the second part only). The program starts itself again for each role: `server`, `generate`,
//! `crowd`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark may panic, start processes, look at the clock and print"
)]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use migrate::adapters::HttpLoad;
use migrate::core::rollout::{Expectations, Journey, JourneyRequest};
use migrate::ports::{Endpoint, LoadGenerator, LoadPlan, LoadTarget, Silent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const USERS: u32 = 50;
const CROWD: u32 = 10_000;
const BODY: &str = r#"{"user":"user-1","roles":["analyst","viewer"],"since":"2025-07-29T11:40:00+00:00"}"#;

fn main() -> std::process::ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["server"] => one_thread(server()),
        ["generate", port, seconds] => {
            one_thread(generate(port.parse().unwrap(), seconds.parse().unwrap()));
        }
        ["crowd", port, seconds] => one_thread(crowd(port.parse().unwrap(), seconds.parse().unwrap())),
        options => {
            let is_fast = options.contains(&"--memory")
                || paired(option(options, "--rounds", 8), option(options, "--seconds", 3));
            if !memory() || !is_fast {
                return std::process::ExitCode::FAILURE;
            }
        }
    }
    std::process::ExitCode::SUCCESS
}

fn option(words: &[&str], name: &str, otherwise: u64) -> u64 {
    let at = words.iter().position(|word| *word == name);
    at.and_then(|at| words.get(at + 1)?.parse().ok()).unwrap_or(otherwise)
}

fn one_thread(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

/// Answers every request with the same small JSON and a cookie, and prints its port first.
async fn server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let answer = format!(
        "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/json\r\nSet-Cookie: session=0f3c9a7be2d1; \
         HttpOnly; Path=/\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let answer: &'static str = answer.leak();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(stream, answer));
    }
}

async fn serve(mut stream: TcpStream, answer: &'static str) {
    let _ = stream.set_nodelay(true);
    let mut buffer = [0; 2048];
    let mut filled = 0;
    loop {
        match stream.read(&mut buffer[filled..]).await {
            Ok(0) | Err(_) => return,
            Ok(count) => filled += count,
        }
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// One request, with its cookie sent back and the answer looked at.
fn journeys(think: Option<Duration>) -> Vec<Journey> {
    let expect = Expectations {
        status: Some(200),
        body_contains: Some("\"roles\"".into()),
        header: BTreeMap::new(),
        json: BTreeMap::new(),
    };
    let think = think.map(Into::into);
    let request = JourneyRequest { get: Some("/whoami".into()), expect, think, ..JourneyRequest::default() };
    vec![Journey { name: "bench".parse().unwrap(), weight: 1, requests: vec![request] }]
}

fn target(port: u16) -> LoadTarget {
    LoadTarget::direct("bench", Endpoint { host: "127.0.0.1".into(), port })
}

async fn generate(port: u16, seconds: u64) {
    let plan = LoadPlan::closed(USERS, Duration::from_secs(seconds));
    let result = HttpLoad::direct().run(&target(port), &journeys(None), &plan, &Silent).await.unwrap();
    let errors = result.errors();
    assert_eq!(errors.hits, 0, "{:?}", result.total().errors);
    println!("{}", errors.of as f64 / result.elapsed.as_secs_f64());
}

/// Ten thousand users who think: all connected, each with cookies.
async fn crowd(port: u16, seconds: u64) {
    let plan =
        LoadPlan { ramp: Duration::from_secs(seconds / 2), ..LoadPlan::closed(CROWD, Duration::from_secs(seconds)) };
    let journeys = journeys(Some(Duration::from_secs(2)));
    let result = HttpLoad::direct().run(&target(port), &journeys, &plan, &Silent).await.unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    let peak: f64 = peak.trim_end_matches(" kB").trim().parse().unwrap();
    let errors = result.errors();
    let is_kept = errors.hits == 0 && result.connections == u64::from(CROWD) && peak <= 512.0 * 1024.0;
    println!(
        "{}: {CROWD} users, {} requests over {} connections, {} failed: peak RSS {:.1} MiB of 512, {:.1} KiB a user",
        word(is_kept),
        errors.of,
        result.connections,
        errors.hits,
        peak / 1024.0,
        peak / f64::from(CROWD),
    );
}

fn word(is_kept: bool) -> &'static str {
    if is_kept { "kept" } else { "BROKEN" }
}

/// This program in another role, on one core.
fn role(core: &str, words: &[&str]) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(std::env::current_exe().unwrap()).args(words);
    command
}

struct Server(Child, u16);

impl Server {
    fn start(core: &str) -> Self {
        let mut child = role(core, &["server"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
        Self(child, line.trim().parse().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn output(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn paired(rounds: u64, seconds: u64) -> bool {
    let server = Server::start("1");
    let port = server.1.to_string();
    let (duration, users) = (format!("{seconds}s"), USERS.to_string());
    let ours =
        || -> f64 { output(role("0", &["generate", &port, &duration[..duration.len() - 1]])).trim().parse().unwrap() };
    let wrk = || -> f64 {
        let mut command = Command::new("taskset");
        command.args(["-c", "0", "wrk", "-t1", "-c", &users, "-d", &duration]);
        command.args(["-H", "Cookie: session=0f3c9a7be2d1", &format!("http://127.0.0.1:{port}/whoami")]);
        let text = output(command);
        let line = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")).unwrap();
        line.trim().parse().unwrap()
    };
    let mut pairs = Vec::new();
    println!("{USERS} connections, generator on core 0, server on core 1; {rounds} pairs of {seconds} s each");
    for round in 0..rounds {
        // A B B A: a drift of the machine favours neither.
        let (ours, wrk) = if round % 2 == 0 {
            let first = Turn::of(&ours, seconds);
            (first, Turn::of(&wrk, seconds))
        } else {
            let first = Turn::of(&wrk, seconds);
            (Turn::of(&ours, seconds), first)
        };
        println!(
            "  migrate {:>7.0}/s {:>5.2} us   wrk {:>7.0}/s {:>5.2} us   ratios {:.3} {:.3}",
            ours.rate,
            ours.cost,
            wrk.rate,
            wrk.cost,
            ours.rate / wrk.rate,
            wrk.cost / ours.cost,
        );
        pairs.push((ours, wrk));
    }
    let of = |pick: fn(&(Turn, Turn)) -> f64| median(pairs.iter().map(pick).collect());
    let rate = of(|(ours, wrk)| ours.rate / wrk.rate);
    let cost = of(|(ours, wrk)| wrk.cost / ours.cost);
    println!("{}: {rate:.3} of wrk's requests per second, at least 0.8 (median of the pairs)", word(rate >= 0.8));
    println!("{}: {cost:.3} of its requests per second of processor time, at least 0.8", word(cost >= 0.8));
    rate >= 0.8 && cost >= 0.8
}

/// What one generator did in its turn.
struct Turn {
    /// Requests per second.
    rate: f64,
    /// Microseconds of processor time per request: tells generators apart even when the server limits both.
    cost: f64,
}

impl Turn {
    fn of(generator: &dyn Fn() -> f64, seconds: u64) -> Self {
        let before = children();
        let rate = generator();
        Self { rate, cost: (children() - before) * 1e6 / (rate * seconds as f64) }
    }
}

/// Processor time of all processes that were started here and are over, in seconds.
fn children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name in parentheses may hold blanks; after it, children's times are the 14th and 15th (proc_pid_stat(5)).
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // A tick is a hundredth of a second on every Linux there is to find.
    fields[13..15].iter().map(|field| field.parse::<f64>().unwrap() / 100.0).sum()
}

fn memory() -> bool {
    let server = Server::start("1");
    let said = output(role("0", &["crowd", &server.1.to_string(), "12"]));
    print!("{said}");
    said.starts_with("kept")
}
