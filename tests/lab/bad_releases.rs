//! Releases that are not fit for users: each is stopped at the first target, by the gate that is there to notice, and
//! whoever was on that target keeps their session.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::fixture::{Lab, Said, signal};
use crate::people::People;
use crate::phase_2::on_host;
use crate::phase_4::{SERVING, TARGETS, approve, assert_original};

/// The first target serves from where it always did, and the second was never touched.
#[track_caller]
fn assert_original_serves(lab: &Lab, said: &Said) {
    let first = on_host(lab, "production-1", SERVING);
    assert!(first.starts_with("plain\n/home/ec2-user/ChatMRPT\n"), "{first}{said:?}");
    assert_original(lab, "production-2", "before its turn");
}

/// Phase 4 with such a release: it has to end at this step and say these words.
fn stopped_by(lab: &Lab, variant: &str, step: &str, words: &str) {
    approve(lab);
    lab.control(&["variant", "production-1", variant, "--of-releases"]);
    let said = lab.migrate(&["phase", "4"]).expect(5);
    let error = format!("{step} failed");
    assert!(said.all().contains(&error) && said.all().contains(words), "{variant}: {said:?}");
    assert_original_serves(lab, &said);
}

fn go_back(lab: &Lab, variant: &str) {
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    TARGETS.iter().for_each(|target| assert_original(lab, target, variant));
}

/// These show before a user meets the release.
pub fn meet_no_user(lab: &Lab) {
    let people = People::in_front_of(lab);
    for (variant, words) in [
        ("fails-to-start", "does not start"),
        ("broken", "answers 500"),
        ("fails-with-a-cookie", "and 500 with one"),
        ("forgets", "not known any more"),
    ] {
        stopped_by(lab, variant, "4.production-1.trial", words);
        go_back(lab, variant);
    }
    people.have_noticed_nothing("bad releases");
    lab.control(&["variant", "production-1", "healthy", "--of-releases"]);
}

/// These show only under users: the soak sees them, and goes back while few have come.
pub fn are_gone_soon(lab: &Lab) {
    // So few that no window of the soak counts: it ends with a verdict against the release or not at all.
    let people = People::of_number(10, lab);
    let mut late = Vec::new();
    loop {
        let asked = Asked::of(lab, "production-1", Duration::from_millis(300));
        stopped_by(lab, "slower:300", "4.production-1.soak", "times as long as on production-2");
        let until_old = asked.last_slow().duration_since(verdict(lab)).max(SignedDuration::ZERO).unsigned_abs();
        go_back(lab, "slower");
        let own_start = own_start(lab, "production-1");
        if until_old <= own_start + Duration::from_secs(2) {
            break;
        }
        // Other labs start beside this one: what they disturb once, they do not disturb three times.
        late.push((until_old, own_start));
        assert!(late.len() < 3, "from the verdict to the old release, and its own start: {late:?}");
    }
    stopped_by(lab, "leaks:1024", "4.production-1.soak", "the workers' memory grows by");
    go_back(lab, "leaks");
    people.have_noticed_nothing("releases that are slower, and leak");
    lab.control(&["variant", "production-1", "healthy", "--of-releases"]);
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

/// Somebody outside who asks one target over and over, and looks at the clock.
struct Asked(Child);

impl Asked {
    /// Takes note of answers that take so long.
    fn of(lab: &Lab, target: &str, slow: Duration) -> Self {
        let mut asking = lab.enter("/usr/bin/python3");
        asking.args(["-c", ASK, target, &slow.as_secs_f64().to_string()]);
        Self(asking.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// When the last slow answer began.
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
