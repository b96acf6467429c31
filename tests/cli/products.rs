//! What is printed to be used elsewhere: schemas, policies, completions, manual pages.

use std::path::Path;

use serde_json::Value;

use crate::site::{REPOSITORY, Site, snapshot};

#[test]
fn products_are_printed_whole_even_when_quiet() {
    let site = Site::new();
    let schema = site.migrate(&["schema", "--quiet"]).expect(0).stdout;
    let committed = std::fs::read_to_string(Path::new(REPOSITORY).join("docs/rollout.schema.json")).unwrap();
    let (schema, committed): (Value, Value) =
        (serde_json::from_str(&schema).unwrap(), serde_json::from_str(&committed).unwrap());
    assert_eq!(schema, committed);
    assert!(site.migrate(&["completions", "zsh"]).expect(0).stdout.starts_with("#compdef migrate"));
    assert!(site.migrate(&["man"]).expect(0).stdout.contains(".TH migrate"));
}

#[test]
fn the_policy_is_the_smallest_and_has_the_rollback_in_it() {
    let said = Site::new().migrate(&["permissions", "-q"]).expect(0);
    snapshot!("permissions", said.transcript());
    let policy: Value = serde_json::from_str(&said.stdout).unwrap();
    let text = policy.to_string();
    for action in
        ["elasticache:CreateReplicationGroup", "elasticache:DeleteReplicationGroup", "ec2:DeleteSecurityGroup"]
    {
        assert!(text.contains(action), "{action} is missing: the undo is part of it");
    }
    assert!(!text.contains("elasticache:*") && !text.contains("\"*:*\""), "not a full-access policy");
}
