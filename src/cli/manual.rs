//! The rollback as plain commands, from the names in rollout.yaml alone, for when `migrate` is unavailable.

use crate::core::rollout::{ProductionTarget, Rollout};
use crate::steps::account::{names, tags};

/// The commands in order, without a journal and without this tool.
pub fn manual(rollout: &Rollout) -> String {
    let mut text = String::from(
        "If `migrate` itself is unavailable, undo everything by hand, in this order (details: docs/runbook.md):\n",
    );
    for target in &rollout.production.targets {
        text.push_str(&production(rollout, &format!("{} (ssh {})", target.name, target.host)));
        text.push_str(&registration(rollout, target));
    }
    text.push_str(&staging(rollout));
    text.push_str(&cloud(rollout));
    text
}

fn production(rollout: &Rollout, target: &str) -> String {
    let application = &rollout.application;
    let (live, unit, port) = (&application.directory, &application.unit, application.port);
    format!(
        "\n\
        On {target}; continue with the next target only when this one serves again:\n\
        \x20 readlink {live}\n\
        \x20   # prints nothing: the original is in place, skip this target\n\
        \x20 rm {live} && mv -T {live}.releases/original {live} && sudo systemctl restart {unit}\n\
        \x20   # requests fail for some seconds; no session is lost. Keep {live}.releases: it holds session files\n\
        \x20 curl -sS -o /dev/null -w '%{{http_code}}\\n' http://127.0.0.1:{port}/\n"
    )
}

/// The registration of a target, which a switch that was interrupted may have left out of the load balancer.
fn registration(rollout: &Rollout, target: &ProductionTarget) -> String {
    let Some((group, _)) = rollout.production.drained() else { return String::new() };
    let (region, port, instance) = (&rollout.region, rollout.application.port, target.instance.as_str());
    let id = match instance.starts_with("i-") {
        true => instance.to_owned(),
        false => format!("ID-OF-{instance}"),
    };
    format!(
        "\
        \x20 export AWS_REGION={region}\n\
        \x20 aws elbv2 describe-target-groups --names {group} --query 'TargetGroups[].TargetGroupArn' --output text\n\
        \x20 aws elbv2 register-targets --target-group-arn ARN --targets Id={id},Port={port}\n\
        \x20   # a switch takes the target out of the load balancer; registering it twice is harmless\n",
        group = group.target_group
    )
}

fn staging(rollout: &Rollout) -> String {
    let (host, copy) = (&rollout.staging.host, &rollout.staging.copy.directory);
    format!(
        "\n\
        On staging (ssh {host}):\n\
        \x20 kill \"$(cat {copy}/.migrate/gunicorn.pid)\"; cat {copy}/.migrate/owner && rm -r {copy}\n"
    )
}

fn cloud(rollout: &Rollout) -> String {
    let (region, tag, name) = (&rollout.region, tags::ROLLOUT, &rollout.name);
    let (group, subnets, security) =
        (names::replication_group(rollout), names::subnet_group(rollout), names::security_group(rollout));
    format!(
        "\n\
        In AWS, last, when no target uses the store:\n\
        \x20 export AWS_REGION={region}\n\
        \x20 aws elasticache delete-replication-group --replication-group-id {group}\n\
        \x20 aws elasticache wait replication-group-deleted --replication-group-id {group}\n\
        \x20 aws elasticache delete-cache-subnet-group --cache-subnet-group-name {subnets}\n\
        \x20 aws ec2 delete-security-group --group-name {security}\n\
        \x20   # in a VPC that is not the default one: --group-id, from: aws ec2 describe-security-groups --filters Name=tag:{tag},Values={name}\n\
        \x20 aws resourcegroupstaggingapi get-resources --tag-filters Key={tag},Values={name}\n\
        \x20   # an empty list means that nothing is left\n"
    )
}

#[cfg(test)]
mod tests {
    use super::manual;
    use crate::core::rollout::{Production, Rollout};

    fn with_drain(rollout: &Rollout) -> Production {
        let drain = Some(serde_json::from_str("{}").expect("the default"));
        Production { drain, ..rollout.production.clone() }
    }

    #[test]
    fn production_comes_first_and_the_store_last() {
        let rollout: Rollout = serde_yaml::from_str(include_str!("../../rollout.yaml")).expect("rollout.yaml");
        let text = manual(&rollout);
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("`{words}` is not in:\n{text}"));
        assert!(at("mv -T /home/ec2-user/ChatMRPT.releases/original /home/ec2-user/ChatMRPT") < at("On staging"));
        assert!(at("On staging") < at("delete-replication-group"));
        assert_eq!(text.matches("readlink").count(), rollout.production.targets.len());
        assert!(!text.contains("register-targets"));
        let drained = Rollout { production: with_drain(&rollout), ..rollout.clone() };
        let count = manual(&drained).matches("register-targets").count();
        assert_eq!(count, rollout.production.targets.len());
        assert!(!text.contains('{') || text.contains("%{http_code}"), "{text}");
    }
}
