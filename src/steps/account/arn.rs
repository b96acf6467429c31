//! ARNs of what a rollout creates. The account is `*` until somebody has asked STS.

use crate::core::rollout::Rollout;

/// The partition a region belongs to.
fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// An ARN in the rollout's region.
pub fn regional(rollout: &Rollout, service: &str, resource: &str) -> String {
    format!("arn:{}:{service}:{}:*:{resource}", partition(rollout.region.as_str()), rollout.region)
}

/// An ARN of a service that has no regions.
pub fn global(rollout: &Rollout, service: &str, resource: &str) -> String {
    format!("arn:{}:{service}::*:{resource}", partition(rollout.region.as_str()))
}

/// The same ARN, with the account filled in. Anything that is not an ARN with a `*` account stays as it is.
pub fn in_account(arn: &str, account: &str) -> String {
    let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
    if let Some(part) = parts.get_mut(4).filter(|part| **part == "*") {
        *part = account;
    }
    parts.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_account_is_filled_in() {
        assert_eq!(in_account("arn:aws:ec2:us-east-2:*:vpc/*", "42"), "arn:aws:ec2:us-east-2:42:vpc/*");
        assert_eq!(in_account("*", "42"), "*");
        assert_eq!(
            in_account("arn:aws:secretsmanager:eu-west-1:7:secret:a:b-*", "42"),
            "arn:aws:secretsmanager:eu-west-1:7:secret:a:b-*"
        );
    }
}
