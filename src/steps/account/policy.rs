//! The IAM policy a plan needs, and no more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::arn;
use crate::core::{Availability, Failure, Plan, Statement};

/// Every statement the built steps of a plan need, those of their undo included, merged: one statement per set of
/// resources, its actions sorted, each action once. Steps that this version cannot run yet ask for nothing.
///
/// # Errors
/// When a planned step cannot be made.
pub fn statements(plan: &Plan) -> Result<Vec<Statement>, Failure> {
    let mut needed = Vec::new();
    for planned in plan.steps().iter().filter(|planned| planned.availability == Availability::Built) {
        needed.extend(crate::steps::build(planned)?.actions(plan.rollout()));
    }
    Ok(merged(needed))
}

/// The policy document, ready to attach. The account in ARNs is `*`: an identity's policy allows nothing outside of its
/// own account anyway.
///
/// # Errors
/// When a planned step cannot be made.
pub fn policy(plan: &Plan) -> Result<Value, Failure> {
    Ok(document(&statements(plan)?))
}

/// The same statements with the account filled in, and the VPC where it is known: what IAM is asked about.
pub fn located(statements: &[Statement], account: &str, vpc: &str) -> Vec<Statement> {
    let locate = |resource: &String| {
        let resource = arn::in_account(resource, account);
        match resource.strip_suffix(":vpc/*") {
            Some(prefix) => format!("{prefix}:vpc/{vpc}"),
            None => resource,
        }
    };
    statements
        .iter()
        .map(|statement| Statement { resources: statement.resources.iter().map(locate).collect(), ..statement.clone() })
        .collect()
}

/// A policy document of these statements.
pub fn document(statements: &[Statement]) -> Value {
    let mut used = BTreeSet::new();
    let statements: Vec<Value> = statements
        .iter()
        .map(|statement| {
            json!({
                "Sid": unique(sid(&statement.purpose), &mut used),
                "Effect": "Allow",
                "Action": statement.actions,
                "Resource": statement.resources,
            })
        })
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// One statement per purpose and set of resources, sorted by purpose.
fn merged(statements: Vec<Statement>) -> Vec<Statement> {
    let mut by_purpose: BTreeMap<(String, Vec<String>), BTreeSet<String>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for statement in statements {
        let mut resources = statement.resources;
        resources.sort();
        resources.dedup();
        for action in statement.actions {
            // Two purposes may need the same action on the same resources; once is enough.
            if seen.insert((action.clone(), resources.clone())) {
                by_purpose.entry((statement.purpose.clone(), resources.clone())).or_default().insert(action);
            }
        }
    }
    by_purpose
        .into_iter()
        .map(|((purpose, resources), actions)| Statement { purpose, actions: Vec::from_iter(actions), resources })
        .collect()
}

/// A purpose as a Sid: IAM takes letters and digits only.
fn sid(purpose: &str) -> String {
    purpose
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect()
}

/// The Sid, with a number when it is taken: Sids must differ within a policy.
fn unique(sid: String, used: &mut BTreeSet<String>) -> String {
    let mut candidate = sid.clone();
    let mut number = 2;
    while !used.insert(candidate.clone()) {
        candidate = format!("{sid}{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(purpose: &str, actions: &[&str], resources: &[&str]) -> Statement {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Statement { purpose: purpose.into(), actions: own(actions), resources: own(resources) }
    }

    #[test]
    fn the_same_action_on_the_same_resources_is_asked_for_once() {
        let all = merged(vec![
            statement("describe the network", &["ec2:DescribeSubnets"], &["*"]),
            statement("describe the network", &["ec2:DescribeVpcs", "ec2:DescribeSubnets"], &["*"]),
            statement("another reason", &["ec2:DescribeSubnets"], &["*"]),
        ]);
        assert_eq!(all, vec![statement("describe the network", &["ec2:DescribeSubnets", "ec2:DescribeVpcs"], &["*"])]);
    }

    #[test]
    fn sids_are_legal_and_differ() {
        let document =
            document(&[statement("read the auth-token!", &[], &[]), statement("read the auth token", &[], &[])]);
        assert_eq!(document["Statement"][0]["Sid"], "ReadTheAuthToken");
        assert_eq!(document["Statement"][1]["Sid"], "ReadTheAuthToken2");
    }

    #[test]
    fn what_is_asked_is_as_narrow_as_what_is_known() {
        let asked = located(&[statement("x", &["a:B"], &["arn:aws:ec2:us-east-2:*:vpc/*", "*"])], "42", "vpc-1");
        assert_eq!(asked[0].resources, ["arn:aws:ec2:us-east-2:42:vpc/vpc-1", "*"]);
    }
}
