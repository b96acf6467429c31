//! Releases that are not fit for users: each is stopped at the first target, by the gate that is there to notice, and
//! the users of that target keep their sessions.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{SERVING, approve, assert_original, assert_originals, lab_before_phase_4, lab_with_soaks_of};
use crate::fixture::Lab;
use crate::hosts::on_host;
use crate::said::{Said, signal};
use crate::visitors::Visitors;

/// Runs phase 4 with such a release: it has to end at this step with these words, the first target on the original again,
/// the second never touched.
#[track_caller]
fn is_stopped(lab: &Lab, variant: &str, step: &str, words: &str) {
    lab.control(&["variant", "production-1", variant, "--of-releases"]);
    let said: Said = lab.migrate(&["phase", "4"]).expect(5);
    let error = format!("{step} failed");
    assert!(said.all().contains(&error) && said.all().contains(words), "{variant}: {said:?}");
    let first = on_host(lab, "production-1", SERVING);
    assert!(first.starts_with("plain\n/home/ec2-user/ChatMRPT\n"), "{first}{said:?}");
    assert_original(lab, "production-2");
}

/// The trial has to stop such a release, before a user meets it.
#[track_caller]
fn meets_no_user(variant: &str, words: &str) {
    let lab = lab_before_phase_4();
    let visitors = Visitors::in_front_of(&lab);
    is_stopped(&lab, variant, "4.production-1.trial", words);
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    assert_originals(&lab);
    visitors.have_noticed_nothing();
}

#[test]
fn one_that_does_not_start() {
    meets_no_user("fails-to-start", "does not start");
}

#[test]
fn one_that_answers_every_request_with_500() {
    meets_no_user("broken", "answers 500");
}

#[test]
fn one_that_answers_requests_with_a_cookie_with_500() {
    meets_no_user("fails-with-a-cookie", "and 500 with one");
}

#[test]
fn one_that_does_not_know_existing_sessions() {
    meets_no_user("forgets", "not known any more");
}

/// Few visitors, so that no window of the soak counts: it ends with a verdict against the release or not at all.
const FEW: u64 = 10;
/// A soak that such visitors never fill.
const SOAK: &str = "20s, window: 5s, requests_per_window: 60";

#[test]
fn one_that_is_slower_under_users_is_rolled_back_within_its_own_start() {
    let lab = lab_with_soaks_of(SOAK);
    let visitors = Visitors::of_number(FEW, &lab);
    let mut late = Vec::new();
    loop {
        let asked = Asked::of(&lab, "production-1", Duration::from_millis(300));
        is_stopped(&lab, "slower:300", "4.production-1.soak", "times as long as on production-2");
        let until_old = asked.last_slow().duration_since(verdict(&lab)).max(SignedDuration::ZERO).unsigned_abs();
        lab.migrate(&["rollback", "--to", "3"]).expect(0);
        assert_originals(&lab);
        let own_start = own_start(&lab, "production-1");
        if until_old <= own_start + Duration::from_secs(2) {
            break;
        }
        // Other labs start beside this one: what they disturb once, they do not disturb three times.
        late.push((until_old, own_start));
        eprintln!(
            "repeated, the machine may be busy: from the verdict to the old release, and its own start: {late:?}"
        );
        assert!(late.len() < 3, "from the verdict to the old release, and its own start: {late:?}");
        approve(&lab);
    }
    visitors.have_noticed_nothing();
}

#[test]
fn one_that_leaks_under_users() {
    let lab = lab_with_soaks_of(SOAK);
    let visitors = Visitors::of_number(FEW, &lab);
    is_stopped(&lab, "leaks:1024", "4.production-1.soak", "the workers' memory grows by");
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    assert_originals(&lab);
    visitors.have_noticed_nothing();
}

/// When the journal's last gate was judged.
fn verdict(lab: &Lab) -> Timestamp {
    let journal = lab.journal();
    let line = journal.lines().rfind(|line| line.contains("\"type\":\"gate_judged\"")).unwrap();
    let judged: serde_json::Value = serde_json::from_str(line).unwrap();
    judged["record"]["at"].as_str().unwrap().parse().unwrap()
}

/// How long the application takes from its start to its first answer, on that host as it is now.
fn own_start(lab: &Lab, host: &str) -> Duration {
    let script = "cd ChatMRPT; began=$(date +%s%N)
        $HOME/chatmrpt_env/bin/gunicorn --workers 2 --bind 127.0.0.1:8099 --pid /tmp/timed.pid \\
            --access-logfile /dev/null --error-logfile /dev/null run:app >/dev/null 2>&1 &
        for i in $(seq 600); do curl -sf -o /dev/null http://127.0.0.1:8099/ping && answers=yes && break; sleep 0.02; done
        [ \"$answers\" ] && echo $((($(date +%s%N) - began) / 1000000)); kill $(cat /tmp/timed.pid); wait";
    Duration::from_millis(on_host(lab, host, script).trim().parse().unwrap())
}

const ASK: &str = "
import sys, time, urllib.request
last = [0, 0, 0]
while True:
    began = time.time()
    try:
        urllib.request.urlopen('http://' + sys.argv[1] + ':8080/ping', timeout=30).read()
    except OSError as error:
        sys.exit(f'{sys.argv[1]} at {began}: {error}')
    # A busy machine is late now and then, the release always.
    last = last[1:] + [time.time() - began]
    if min(last) >= float(sys.argv[2]):
        print(int(began * 1000), flush=True)
    time.sleep(0.05)
";

/// A client outside that asks one target over and over and times the responses.
struct Asked(Child);

impl Asked {
    /// Notes responses that take at least this long.
    fn of(lab: &Lab, target: &str, slow: Duration) -> Self {
        let mut asking = lab.enter("/usr/bin/python3");
        asking.args(["-c", ASK, target, &slow.as_secs_f64().to_string()]);
        Self(asking.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// When the last slow request began.
    fn last_slow(mut self) -> Timestamp {
        assert!(self.0.try_wait().unwrap().is_none(), "refused: {:?}", Said::from(self.0.wait_with_output().unwrap()));
        signal(&self.0, "TERM");
        let mut answers = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut answers).unwrap();
        self.0.wait().unwrap();
        let last = answers.lines().last().expect("the slow release has answered");
        Timestamp::from_millisecond(last.parse().unwrap()).unwrap()
    }
}
