//! The scalars of rollout.yaml: what they take, what they refuse, and in which words.

use std::time::Duration;

use migrate::core::rollout::{
    AbsolutePath, HumanDuration, InstanceSelector, Name, Port, RefusedSource, Region, SshHost, VolatilePattern,
};
use migrate::core::{FactName, FactValue, Facts, Input};
use proptest::prelude::*;
use serde::de::DeserializeOwned;

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| error.to_string())
}

/// Asserts what a type takes and refuses.
fn takes<T: DeserializeOwned>(good: &[&str], bad: &[&str]) {
    for text in good {
        assert!(read::<T>(text).is_ok(), "refused {text:?}: {:?}", read::<T>(text).err());
    }
    for text in bad {
        assert!(read::<T>(text).is_err(), "took {text:?}");
    }
}

#[test]
fn names() {
    let forty = "a".repeat(40);
    let forty_one = "a".repeat(41);
    takes::<Name>(
        &["a", "chatmrpt-sessions", "a1-b2", &forty],
        &["", "A", "1a", "-a", "a-", "a--b", "a_b", "a b", "ä", &forty_one],
    );
}

#[test]
fn regions() {
    takes::<Region>(
        &["us-east-2", "eu-central-1", "us-gov-west-1"],
        &["", "us-east", "us-east-22", "US-east-2", "useast-2-1", "us--east-2", "u-east-2", "us-east-x"],
    );
}

#[test]
fn absolute_paths() {
    takes::<AbsolutePath>(
        &["/a", "/home/ec2-user/ChatMRPT", "/with space/x", "/..."],
        &["", "/", "a", "a/b", "/a/", "//a", "/a//b", "/a/../b", "/a/.", "/a\nb", "/a\0b", "~/a"],
    );
}

#[test]
fn ssh_hosts_are_never_options() {
    takes::<SshHost>(
        &["staging", "18.117.115.217", "ec2-user@host", "fe80::1%eth0", "_x", "a-b.example.org"],
        &["", "-oProxyCommand=reboot", "-l", "a b", "a;b", "a$(b)", "@host", "a\n", "ä"],
    );
}

#[test]
fn instances() {
    takes::<InstanceSelector>(
        &["i-0123456789abcdef0", "any Name tag, really", &"x".repeat(255)],
        &["", "a\tb", "a\n", &"x".repeat(256)],
    );
    let is_id = |text: &str| read::<InstanceSelector>(text).expect("legal").is_id();
    assert!(is_id("i-0123456789abcdef0") && is_id("i-01234567"));
    assert!(!is_id("i-0123") && !is_id("i-chatmrpt-web") && !is_id("web"));
}

#[test]
fn ports() {
    assert_eq!(serde_json::from_str::<Port>("6379").map(Port::number).ok(), Some(6379));
    for bad in ["0", "65536", "-1", "\"6379\""] {
        assert!(serde_json::from_str::<Port>(bad).is_err(), "{bad}");
    }
    assert_eq!(Port::try_from(0).expect_err("no such port").to_string(), "port 0 does not exist");
}

#[test]
fn durations() {
    takes::<HumanDuration>(
        &["0s", "250ms", "90s", "10m", "24h", "7d"],
        &[
            "",
            "10",
            "s",
            "1.5h",
            "-1s",
            "10 m",
            "1h30m",
            "10M",
            "10sec",
            "99999999999999999999s",
            "18446744073709551615d",
        ],
    );
    let get = |text: &str| read::<HumanDuration>(text).expect("legal").get();
    assert_eq!(get("90s"), Duration::from_secs(90));
    assert_eq!(get("24h"), get("1d"));
    assert_eq!(HumanDuration::from(Duration::from_secs(90)).to_string(), "90s");
    assert_eq!(HumanDuration::from(Duration::from_secs(7200)).to_string(), "2h");
    assert_eq!(HumanDuration::from(Duration::ZERO).to_string(), "0s");
    assert!(HumanDuration::from(Duration::ZERO).is_zero());
}

#[test]
fn a_refusal_says_what_was_typed_and_what_is_meant() {
    let error = read::<HumanDuration>("10 minutes").expect_err("it is none");
    assert!(error.contains("`10 minutes` is not a duration such as 250ms, 90s, 10m, 24h or 7d"), "{error}");
    let error = read::<SshHost>("-oProxyCommand=x").expect_err("it is none");
    assert!(error.contains("`-oProxyCommand=x` is not a host name as `ssh NAME` understands it"), "{error}");
}

#[test]
fn refused_sources() {
    assert_eq!(read::<RefusedSource>("operator"), Ok(RefusedSource::Operator));
    assert_eq!(read::<RefusedSource>("bastion").map(|source| source.to_string()), Ok("bastion".to_owned()));
    assert!(read::<RefusedSource>("-x").is_err());
    assert_eq!(SshHost::from(RefusedSource::Operator).as_str(), "operator");
}

#[test]
fn volatile_patterns() {
    takes::<VolatilePattern>(
        &["logs", "*.log", "__pycache__", ".env", "*~"],
        &["", "*", "a/b", "**", "a*", "*.l*g", "?", "[a]", ".", "..", "a\\b", "a\nb"],
    );
    let covers = |pattern: &str, path: &str| read::<VolatilePattern>(pattern).expect("legal").covers(path);
    assert!(covers("logs", "logs") && covers("logs", "app/logs/x.txt") && covers("*.log", "a/b.log"));
    assert!(covers("*.log", "dir.log/x"), "a directory that matches covers what is in it");
    assert!(!covers("logs", "logs2/x") && !covers("*.log", "a.logs") && !covers("logs", "mylogs"));
}

#[test]
fn inputs_are_values_or_references() {
    let text: Input<String> = read("plain").expect("a value");
    assert_eq!(text, Input::Value("plain".to_owned()));
    let reference: Input<String> = read("${cluster.endpoint}").expect("a reference");
    assert_eq!(reference.reference().map(FactName::as_str), Some("cluster.endpoint"));
    for literal in ["${cluster}", "${Cluster.endpoint}", "${a.b", "x${a.b}", "${a.b}x", "${a..b}", "${}", "${a.b }"] {
        assert_eq!(read::<Input<String>>(literal), Ok(Input::Value(literal.to_owned())), "{literal}");
    }
    let list: Input<Vec<String>> = serde_json::from_str(r#"["a","b"]"#).expect("a list");
    assert_eq!(list.list(&Facts::new()), Ok(vec!["a".to_owned(), "b".to_owned()]));
    assert!(serde_json::from_str::<Input<Vec<String>>>("\"plain\"").is_err(), "a text is no list");
    assert!(read::<Input<Name>>("Not A Name").is_err(), "a value is checked");
    assert!(read::<Input<Name>>("${a.b}").is_ok(), "a reference is looked up later");
}

#[test]
fn references_are_looked_up_in_their_shape() {
    let facts = Facts::new().with("network.vpc", "vpc-1").with("network.subnets", vec!["a".to_owned(), "b".to_owned()]);
    let text: Input<String> = read("${network.vpc}").expect("a reference");
    assert_eq!(text.text(&facts), Ok("vpc-1".to_owned()));
    let wrong: Input<String> = read("${network.subnets}").expect("a reference");
    let error = wrong.text(&facts).expect_err("a list is no text");
    assert_eq!(error.to_string(), "the fact `network.subnets` is not known yet, or has the wrong shape");
    let list: Input<Vec<String>> = read("${network.subnets}").expect("a reference");
    assert_eq!(list.list(&facts).map(|list| list.len()), Ok(2));
    let single: Input<Vec<String>> = read("${network.vpc}").expect("a reference");
    assert!(single.list(&facts).is_err(), "a text is no list");
    assert!(list.list(&Facts::new()).is_err(), "nobody has provided it");
    assert_eq!(facts.get(&FactName::new("network.subnets")).map(ToString::to_string), Some("a, b".to_owned()));
    assert_eq!(facts.iter().filter(|(_, value)| matches!(value, FactValue::Text(_))).count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_duration_is_read_back_as_it_was(milliseconds in 0_u64..10_000_000_000_000) {
        let duration = HumanDuration::from(Duration::from_millis(milliseconds));
        prop_assert_eq!(read::<HumanDuration>(&duration.to_string()), Ok(duration));
    }

    #[test]
    fn no_text_makes_a_value_panic(text in "\\PC{0,24}|[-0-9a-z$.{}*/ ]{0,24}") {
        let _ = (read::<Name>(&text), read::<Region>(&text), read::<AbsolutePath>(&text), read::<InstanceSelector>(&text));
        let _ = (read::<HumanDuration>(&text), read::<VolatilePattern>(&text), read::<Input<String>>(&text));
        if let Ok(host) = read::<SshHost>(&text) {
            prop_assert!(!host.as_str().starts_with('-'));
        }
    }
}
