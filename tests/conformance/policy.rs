//! The printed policy: legal, minimal, and the same every time.

use std::collections::BTreeSet;

use migrate::core::rollout::{CacheAuth, Rollout};
use migrate::steps::account::policy::policy;

use super::site;

#[test]
fn is_as_recorded() {
    let policy = policy(&site::plan(site::rollout())).unwrap();
    insta::assert_snapshot!(format!("{policy:#}"));
}

#[test]
fn is_legal() {
    legal(site::rollout());
}

#[test]
fn targets_leave_and_come_back_only_where_that_is_asked_for() {
    let of_targets = |rollout: Rollout| {
        let policy = policy(&site::plan(rollout)).unwrap().to_string();
        ["DeregisterTargets", "RegisterTargets"]
            .map(|action| policy.contains(&format!("elasticloadbalancing:{action}")))
    };
    let mut rollout = site::rollout();
    assert_eq!(of_targets(rollout.clone()), [false, false]);
    rollout.production.drain = Some(serde_json::from_str("{}").unwrap());
    assert_eq!(of_targets(rollout.clone()), [true, true]);
    let policy = policy(&site::plan(rollout.clone())).unwrap().to_string();
    assert!(policy.contains("arn:aws:elasticloadbalancing:us-east-2:*:targetgroup/chatmrpt-web/*"), "{policy}");
    legal(rollout);
}

fn legal(rollout: Rollout) {
    let policy = policy(&site::plan(rollout)).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    let mut sids = BTreeSet::new();
    let mut pairs = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        let sid = statement["Sid"].as_str().unwrap();
        assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{sid}");
        assert!(sids.insert(sid.to_owned()), "{sid} twice");
        for action in statement["Action"].as_array().unwrap() {
            let action = action.as_str().unwrap();
            assert!(!action.contains('*'), "{action} is more than one action");
            assert!(pairs.insert((action.to_owned(), statement["Resource"].to_string())), "{action} twice");
            let reads = ["Describe", "List", "Simulate"].iter().any(|verb| action.contains(&format!(":{verb}")));
            let everything = statement["Resource"].to_string().contains("\"*\"");
            assert_eq!(reads, everything, "{action} on {}", statement["Resource"]);
        }
    }
}

#[test]
fn asks_for_no_secret_that_is_not_read() {
    let mut rollout = site::rollout();
    rollout.cache.auth = CacheAuth::Environment("REDIS_TOKEN".into());
    let policy = policy(&site::plan(rollout)).unwrap().to_string();
    assert!(!policy.contains("secretsmanager"), "{policy}");
}
