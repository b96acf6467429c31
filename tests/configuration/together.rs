//! All mistakes at once, and none that is only a consequence of another.

use migrate::configuration::{PhaseFiles, Sources, load_sources};

use crate::catalog::TestCatalog;
use crate::support::{codes, found, load_phase, load_rollout, test_phases, text_of};

/// One mistake: what is written instead of what, its code, and every value that its rule looks at.
struct Edit {
    from: &'static str,
    to: &'static str,
    code: &'static str,
    about: &'static [&'static str],
}

const fn edit(from: &'static str, to: &'static str, code: &'static str, about: &'static [&'static str]) -> Edit {
    Edit { from, to, code, about }
}

const TARGETS: &[&str] = &["staging.host", "host 1", "host 2"];

/// Mistakes of form and of meaning in the repository's rollout.
const EDITS: &[Edit] = &[
    edit("name: chatmrpt-sessions", "name: Chat MRPT", "grammar/wrong-form", &["name"]),
    edit("region: us-east-2", "region: 5", "grammar/wrong-type", &["region"]),
    edit("port: 8080", "port: \"8080\"", "grammar/wrong-type", &["port"]),
    edit("workers: 2", "woker: 2", "grammar/unknown-key", &["workers"]),
    edit("user: ec2-user", "user: EC2", "rollout/account-name", &["user"]),
    edit("unit: chatmrpt.service", "unit: chatmrpt", "rollout/unit-name", &["unit"]),
    edit("pandas, gunicorn]", "pandas, scikit-learn]", "rollout/module-name", &["modules"]),
    edit("[flask, flask_session", "[flask, 5", "grammar/wrong-type", &["modules.1"]),
    edit("connect_timeout: 10s", "connect_timeout: 0s", "rollout/zero-duration", &["timeout"]),
    edit("instance: chatmrpt-staging", "instances: chatmrpt-staging", "grammar/unknown-key", &["staging.instance"]),
    edit("port: 8081", "port: 8080", "rollout/same-port", &["port", "copy.port"]),
    edit("/home/ec2-user/ChatMRPT-redis-test", "/home/ec2-user/ChatMRPT", "rollout/overlapping-directories", &["copy"]),
    edit("{ target_group: chatmrpt-web }", "chatmrpt-web", "grammar/not-allowed", &["balancer"]),
    edit("name: production-1", "name: staging", "rollout/reserved-name", &["name 1"]),
    edit("host: chatmrpt-production-2", "host: 18.117.115.217", "rollout/staging-is-production", TARGETS),
    edit("host: chatmrpt-production-1", "host: -oX", "grammar/wrong-form", &["host 1"]),
    edit("instance: chatmrpt-production-2", "instance: [x]", "grammar/wrong-type", &["instance 2"]),
    edit("engine: redis", "engine: memcached", "grammar/not-allowed", &["engine"]),
    edit("engine_version: \"7.1\"", "engine_version: \"7.2\"", "rollout/engine-version", &["engine", "version"]),
    edit("node_type: cache.t4g.small", "node_type: t4g.small", "grammar/wrong-form", &["node_type"]),
    edit("replicas: 1", "replicas: 9", "grammar/out-of-range", &["replicas"]),
    edit("  port: 6379\n", "", "grammar/missing-key", &["cache.port"]),
    edit("tls: { mode: required }", "tls: { mode: off }", "rollout/auth-without-tls", &["tls", "auth"]),
    edit(
        "secrets_manager: chatmrpt/redis",
        "secrets_manager: a, environment: A, x: r",
        "grammar/exactly-one",
        &["auth"],
    ),
    edit("refused_from: [operator]", "refused_from: [operator, operator]", "rollout/refused-twice", &["refused"]),
    edit("latency_p99: 250ms", "latency_p99:", "grammar/missing-value", &["latency"]),
    edit("worker_counts: [2, 3, 4]", "worker_counts: [2, 4, 3]", "rollout/worker-counts", &["counts"]),
    edit("users: 50", "users: 50, users: 51", "yaml/duplicate-key", &["load.users"]),
    edit("- post: /login", "- post: login", "journeys/path", &["login"]),
    edit("form: { user: \"analyst-${user}\" }", "form: [1]", "grammar/wrong-type", &["form"]),
    edit("extract: { identity: { json: /user } }", "extract: { identity: 5 }", "grammar/wrong-type", &["identity"]),
    edit("extract: { messages: { json: /count } }", "extract: {}", "journeys/unknown-variable", &["messages"]),
    edit(
        "soak: { duration: 24h, minimum_requests: 10000, peak_hour_requests: 1000 }",
        "soak: { duration: 10m }",
        "rollout/short-soak",
        &["soak"],
    ),
    edit("maximum_age: 7d", "maximum_age: &a 7d", "yaml/alias", &["age"]),
    edit("monthly_usd: 100", "monthly_usd: 0", "grammar/out-of-range", &["budget"]),
];

fn with(edits: &[&Edit]) -> String {
    let mut text = text_of("rollout.yaml");
    for edit in edits {
        assert!(text.contains(edit.from), "{}", edit.from);
        text = text.replacen(edit.from, edit.to, 1);
    }
    text
}

/// The codes that are found, in alphabetical order.
fn sorted_codes(text: String) -> Vec<&'static str> {
    let mut codes = codes(&found(load_rollout(text)));
    codes.sort_unstable();
    codes
}

fn alone(edit: &Edit) -> Vec<&'static str> {
    let codes = sorted_codes(with(&[edit]));
    assert!(codes.contains(&edit.code), "{}: {codes:?}", edit.to);
    codes
}

#[test]
fn any_two_mistakes_are_reported_together() {
    let each: Vec<(&Edit, Vec<&str>)> = EDITS.iter().map(|edit| (edit, alone(edit))).collect();
    for (position, (first, first_codes)) in each.iter().enumerate() {
        for (second, second_codes) in &each[position + 1..] {
            // Where both are about one value, one may hide the other: nothing can be said about a wrong value.
            if first.about.iter().any(|value| second.about.contains(value)) {
                continue;
            }
            let mut expected = [first_codes.as_slice(), second_codes].concat();
            expected.sort_unstable();
            assert_eq!(sorted_codes(with(&[first, second])), expected, "{} and {}", first.to, second.to);
        }
    }
}

#[test]
fn many_mistakes_are_reported_together() {
    let mut taken: Vec<&str> = Vec::new();
    let mut edits = Vec::new();
    for edit in EDITS {
        if edit.about.iter().all(|value| !taken.contains(value)) {
            taken.extend(edit.about);
            edits.push(edit);
        }
    }
    assert!(edits.len() > 20);
    let mut expected: Vec<&str> = edits.iter().flat_map(|edit| alone(edit)).collect();
    expected.sort_unstable();
    assert_eq!(sorted_codes(with(&edits)), expected);
}

/// Every line of a right file, made wrong in its form: nothing is said about what it means.
#[test]
fn a_wrong_line_has_no_consequences() {
    let text = text_of("rollout.yaml");
    let lines: Vec<&str> = text.lines().collect();
    let mut tried = 0;
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#')) {
        let Some((key, value)) = line.split_once(": ") else { continue };
        let broken = [
            format!("{key}x: {value}"),
            format!("{key}: [[{value}]]"),
            format!("{key}: !x {value}"),
            format!("{key}: *x"),
            format!("{key}: \"{value}"),
            format!("{key}: {{ {value}"),
            key.to_owned(),
            format!("{key}: : {value}"),
        ];
        for wrong in broken {
            let mut changed = lines.clone();
            changed[number] = &wrong;
            let found = codes(&found(load_rollout(changed.join("\n"))));
            let of_form = |code: &&str| code.starts_with("grammar/") || code.starts_with("yaml/");
            assert!(found.iter().all(of_form), "line {}: {wrong}: {found:?}", number + 1);
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}

/// As above, for the steps of a phase.
#[test]
fn a_wrong_step_has_no_consequences() {
    let text = text_of("tests/configuration/phases/1-infrastructure.yaml");
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.contains('#') && line.contains(": ")) {
        for wrong in [line.replacen(": ", "x: ", 1), line.replacen(": ", ": !x ", 1), line.replacen(": ", ": \"", 1)] {
            let mut changed = lines.clone();
            changed[number] = &wrong;
            let found = codes(&found(load_phase(1, changed.join("\n"))));
            let of_facts = |code: &&str| code.ends_with("-fact") || code.ends_with("-target");
            assert!(!found.is_empty() && !found.iter().any(of_facts), "line {}: {wrong}: {found:?}", number + 1);
        }
    }
}

fn load_both(rollout: String, phases: PhaseFiles) -> Vec<(String, &'static str)> {
    let sources =
        Sources { rollout_name: "rollout.yaml".into(), rollout: rollout.into(), base_directory: None, phases };
    let found = found(load_sources(&sources, &TestCatalog));
    found.into_iter().map(|item| (item.file, item.code.as_str())).collect()
}

fn command(target: &str) -> PhaseFiles {
    let mut phases = test_phases();
    let step = format!("  - command: {{ id: extra, target: {target}, run: 'true' }}\n");
    phases.phases[1].bytes.extend(step.into_bytes());
    phases
}

#[test]
fn a_phase_is_held_against_a_rollout_that_is_wrong_elsewhere() {
    let wrong = |from: &str, to: &str| text_of("rollout.yaml").replacen(from, to, 1);
    let phase = |code| ("phases/1-infrastructure.yaml".to_owned(), code);
    let rollout = |code| ("rollout.yaml".to_owned(), code);
    assert_eq!(
        load_both(wrong("workers: 2", "workers: two"), command("production-3")),
        [rollout("grammar/wrong-type"), phase("phases/unknown-target")]
    );
    // The name that is wrong may be the one that is meant.
    assert_eq!(
        load_both(wrong("name: production-2", "name: 2"), command("production-3")),
        [rollout("grammar/wrong-type")]
    );
    assert_eq!(
        load_both(wrong("name: production-2", "name: 2"), command("production-1")),
        [rollout("grammar/wrong-type"), phase("phases/early-production")]
    );
    assert_eq!(load_both(wrong("targets:", "target:"), command("production-1")), [rollout("grammar/unknown-key")]);
}

#[test]
fn a_phase_that_is_no_text_or_missing_leaves_the_facts_it_may_provide_alone() {
    let rollout = || text_of("rollout.yaml");
    let mut phases = test_phases();
    phases.phases[1].bytes = b"\xff".to_vec();
    assert_eq!(load_both(rollout(), phases), [("phases/1-infrastructure.yaml".to_owned(), "file/not-utf8")]);
    let mut phases = test_phases();
    phases.phases.remove(1);
    assert!(load_both(rollout(), phases).is_empty());
    let mut phases = test_phases();
    phases.phases.remove(1);
    let text =
        text_of("tests/configuration/phases/2-staging-copy.yaml").replace("${cluster.endpoint}", "${cluster.nonsense}");
    phases.phases[1].bytes = text.into();
    assert_eq!(load_both(rollout(), phases), [("phases/2-staging-copy.yaml".to_owned(), "phases/unknown-fact")]);
}
