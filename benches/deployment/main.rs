//! A deployment to two hosts: `migrate` beside the same commands over plain ssh, and beside Ansible; and fifty hosts.
//!
//! `cargo bench --no-default-features --bench deployment` (`-- --rounds 1` for less, `-- --deployment` or `-- --fifty`
//! for one part). Exits 1 when a promise of docs/benchmarks.md is broken. Needs a real sshd (Debian: openssh-server) and
//! python3-venv, no root, no lab and no AWS; Ansible is installed from PyPI the first time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark may panic, start processes, look at the clock and print"
)]

mod ansible;
#[path = "../../tests/support/descendants.rs"]
mod descendants;
mod fifty;
mod operator;
mod plain;
mod processes;
mod site;
mod watch;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use ansible::Ansible;
use operator::Operator;
use plain::{Form, record, replay};
use site::Site;

/// `migrate` against plain ssh, and Ansible against `migrate`.
const AT_MOST: f64 = 1.5;
const AT_LEAST: f64 = 8.0;

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let rounds = after("--rounds").map_or(6, |number| number.parse().unwrap());
    processes::end_on_signals();
    println!("{}, as `cargo bench` makes it: optimised, without the AWS SDKs", operator::BINARY);
    let mut is_kept = true;
    if !has("--fifty") {
        is_kept &= deployment(rounds);
    }
    if !has("--deployment") {
        is_kept &= fifty::are_kept();
    }
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn word(is_kept: bool) -> &'static str {
    if is_kept { "kept" } else { "BROKEN" }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[half - 1], values[half]) } else { values[half] }
}

/// One way to deploy and to go back, and what its turns took.
struct Contender<'a> {
    name: &'static str,
    deploy: Box<dyn Fn() -> Duration + 'a>,
    go_back: Box<dyn Fn() + 'a>,
    seconds: Vec<f64>,
    commands: usize,
}

impl<'a> Contender<'a> {
    fn new(name: &'static str, deploy: impl Fn() -> Duration + 'a, go_back: impl Fn() + 'a) -> Self {
        Self { name, deploy: Box::new(deploy), go_back: Box::new(go_back), seconds: Vec::new(), commands: 0 }
    }

    /// Deploys once, looks whether everything is there, and goes back; only the first is timed.
    fn turn(&mut self, site: &Site, untouched: &str, wanted: &str) -> f64 {
        let before = site.commands();
        let took = (self.deploy)();
        self.commands = site.commands() - before;
        assert!(site.deployed() == wanted, "{} has deployed something else:\n{}", self.name, site.deployed());
        (self.go_back)();
        assert!(site.deployed() == untouched, "{} has left something:\n{}", self.name, site.deployed());
        took.as_secs_f64()
    }
}

fn deployment(rounds: usize) -> bool {
    let virtualenv = ansible::virtualenv();
    let site = Site::start(vec!["host-1".into(), "host-2".into()]);
    let phases = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/deployment/phases");
    let operator = Operator::new(&site, phases, |text| text);
    let ansible = Ansible::new(&site, &virtualenv);
    let untouched = site.deployed();

    operator.walk_to_production();
    operator.approve();
    let before = site.commands();
    let recorded = record(&site, || {
        operator.run(&["phase", "4"]);
    });
    assert_eq!(recorded.len(), site.commands() - before, "commands recorded, and commands that sshd has started");
    let wanted = site.deployed();
    assert!(wanted.contains("./current -> releases/2"), "{wanted}");
    operator.roll_back();

    let approved = || {
        operator.approve();
        operator.run(&["phase", "4"])
    };
    let mut contenders = [
        Contender::new("migrate", approved, || operator.roll_back()),
        Contender::new("the same by ssh", || replay(&site, &recorded, Form::AsRecorded), || site.reset()),
        Contender::new("its scripts by ssh", || replay(&site, &recorded, Form::ScriptAlone), || site.reset()),
        Contender::new("ansible", || ansible.deploy(), || site.reset()),
    ];
    println!("2 hosts, one after the other, connections opened anew each time; {rounds} rounds, after one to warm up");
    for round in 0..=rounds {
        // A B C D, then D C B A: a drift of the machine favours nobody.
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let took = contenders[index].turn(&site, &untouched, &wanted);
            if round > 0 {
                contenders[index].seconds.push(took);
            }
        }
    }
    judge(&contenders)
}

fn judge(contenders: &[Contender<'_>; 4]) -> bool {
    for Contender { name, seconds, commands, .. } in contenders {
        let each: Vec<String> = seconds.iter().map(|seconds| format!("{seconds:.2}")).collect();
        let half = median(seconds.clone());
        println!("  {name:<19} {half:>7.3} s  {commands:>3} commands seen by sshd   ({})", each.join(" "));
    }
    let [migrate, same, scripts, ansible] = contenders;
    // Of neighbours in time.
    let ratio = |above: &Contender<'_>, below: &Contender<'_>| {
        median(above.seconds.iter().zip(&below.seconds).map(|(above, below)| above / below).collect())
    };
    let is_same_work = migrate.commands == same.commands && migrate.commands == scripts.commands;
    let (plain, bare, slower) = (ratio(migrate, same), ratio(migrate, scripts), ratio(ansible, migrate));
    println!("{}: as many commands by ssh as by migrate", word(is_same_work));
    let is_quick = plain <= AT_MOST && bare <= AT_MOST;
    println!(
        "{}: {plain:.2} times as long as the same commands over one ssh connection a host, and {bare:.2} times as long as \
         its scripts alone, at most {AT_MOST} promised",
        word(is_quick)
    );
    println!("{}: {slower:.1} times as fast as Ansible, at least {AT_LEAST} promised", word(slower >= AT_LEAST));
    is_same_work && is_quick && slower >= AT_LEAST
}
