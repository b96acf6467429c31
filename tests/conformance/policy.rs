//! The printed policy: legal, minimal, and the same every time.

use std::collections::BTreeSet;

use migrate::core::rollout::CacheAuth;
use migrate::steps::policy::policy;

use super::site;

#[test]
fn is_as_recorded() {
    let policy = policy(&site::plan(site::rollout())).unwrap();
    insta::assert_snapshot!(format!("{policy:#}"));
}

#[test]
fn is_legal() {
    let policy = policy(&site::plan(site::rollout())).unwrap();
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
