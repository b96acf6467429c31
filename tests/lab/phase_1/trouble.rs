//! What AWS and the site do to us.

use crate::fixture::Lab;
use crate::said::Said;

#[test]
fn without_permissions_it_waits_for_them() {
    let lab = Lab::up();
    lab.control(&["permissions", "withhold", "elasticache"]);
    let check = lab.migrate(&["check", "--live"]).expect(4);
    assert!(check.stdout.contains("waiting for permissions"), "{check:?}");
    let refused = lab.migrate(&["phase", "1"]).expect(4);
    assert!(refused.stderr.contains("waiting for permissions"), "{refused:?}");
    assert!(refused.stderr.contains("elasticache:CreateReplicationGroup"), "{refused:?}");
    assert!(refused.stderr.contains("\"Statement\""), "the exact policy is printed: {refused:?}");
    lab.assert_nothing_left();
    lab.control(&["permissions", "grant"]);
    lab.migrate(&["phase", "1"]).expect(0);
}

#[test]
fn throttling_and_lost_replies_end_in_one_of_each() {
    let lab = Lab::up();
    lab.control(&["fault", "CreateSecurityGroup", "drop_reply", "--times", "1"]);
    lab.control(&["fault", "CreateReplicationGroup", "drop_reply", "--times", "1"]);
    lab.control(&["fault", "CreateCacheSubnetGroup", "throttle", "--times", "2"]);
    lab.control(&["fault", "DescribeReplicationGroups", "throttle", "--times", "3"]);
    lab.migrate(&["phase", "1"]).expect(0);
    lab.assert_made_once();
    lab.control(&["fault", "DeleteReplicationGroup", "drop_reply", "--times", "1"]);
    lab.control(&["fault", "DeleteSecurityGroup", "throttle", "--times", "2"]);
    lab.migrate(&["rollback"]).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn a_store_that_fails_to_create_is_said_and_replaced() {
    let lab = Lab::up();
    lab.control(&["fault", "CreateReplicationGroup", "create_failed", "--times", "1"]);
    let failed = lab.migrate(&["phase", "1"]).expect(5);
    assert!(failed.stderr.contains("create-failed"), "{failed:?}");
    let check = lab.migrate(&["check"]).expect(5);
    assert!(check.stdout.contains("create-failed"), "CI sees it too: {check:?}");
    lab.migrate(&["phase", "1"]).expect(0);
    lab.migrate(&["rollback"]).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn a_denied_delete_is_stuck_until_it_is_allowed() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    lab.control(&["fault", "DeleteReplicationGroup", "deny", "--times", "1"]);
    let stuck = lab.migrate(&["rollback"]).expect(9);
    assert!(stuck.stderr.contains("1.replication-group is stuck"), "{stuck:?}");
    lab.migrate(&["status"]).expect(9);
    lab.migrate(&["phase", "1"]).expect(9);
    lab.control(&["fault", "clear"]);
    lab.migrate(&["rollback"]).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn what_is_not_ours_is_refused_and_left_alone() {
    let lab = Lab::up();
    let vpc = "ec2 = cloud('ec2'); vpc = ec2.describe_instances(Filters=[{'Name': 'tag:Name', 'Values': \
               ['chatmrpt-staging']}])['Reservations'][0]['Instances'][0]['VpcId']\n";
    lab.administrator(&format!(
        "{vpc}ec2.create_security_group(GroupName='chatmrpt-sessions-cache', Description='theirs', VpcId=vpc)"
    ));
    let refused = lab.migrate(&["phase", "1"]).expect(5);
    assert!(refused.stderr.contains("chatmrpt-sessions-cache"), "{refused:?}");
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    let left = lab.administrator(
        "print(len(cloud('ec2').describe_security_groups(Filters=[{'Name': 'group-name', 'Values': ['chatmrpt-sessions-cache']}])['SecurityGroups']))",
    );
    assert_eq!(left.trim(), "1", "theirs is still there");
    lab.administrator(
        "ec2 = cloud('ec2'); g = ec2.describe_security_groups(Filters=[{'Name': 'group-name', 'Values': ['chatmrpt-sessions-cache']}])['SecurityGroups'][0]['GroupId']; ec2.delete_security_group(GroupId=g)",
    );
    lab.assert_nothing_left();
}

#[test]
fn a_leftover_with_our_tag_is_an_error() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    lab.administrator(
        "ec2 = cloud('ec2'); vpc = ec2.describe_instances(Filters=[{'Name': 'tag:Name', 'Values': ['chatmrpt-staging']}])['Reservations'][0]['Instances'][0]['VpcId']\n\
         ec2.create_security_group(GroupName='forgotten', Description='x', VpcId=vpc, TagSpecifications=[{'ResourceType': 'security-group', 'Tags': [{'Key': 'migrate:rollout', 'Value': 'chatmrpt-sessions'}]}])",
    );
    let left = lab.migrate(&["rollback", "--to", "0"]).expect(9);
    assert!(left.stderr.contains("left over: security group"), "{left:?}");
}

/// Stops phase 1 while the store is being created, does something to the site, and goes on.
fn meanwhile(lab: &Lab, what: impl FnOnce()) -> Said {
    lab.control(&["settings", "slow_creating_seconds=8"]);
    let running = lab.start_until(&["phase", "1"], "step_started", "1.replication-group");
    running.signal("INT");
    running.wait().expect(130);
    what();
    lab.migrate(&["phase", "1"])
}

#[test]
fn a_group_that_admits_others_does_not_pass() {
    let lab = Lab::up();
    let said = meanwhile(&lab, || {
        lab.administrator(
            "ec2 = cloud('ec2'); g = ec2.describe_security_groups(Filters=[{'Name': 'group-name', 'Values': ['chatmrpt-sessions-cache']}])['SecurityGroups'][0]['GroupId']\n\
             ec2.authorize_security_group_ingress(GroupId=g, IpPermissions=[{'IpProtocol': 'tcp', 'FromPort': 6379, 'ToPort': 6379, 'IpRanges': [{'CidrIp': '0.0.0.0/0'}]}])",
        );
    });
    let said = said.expect(5);
    assert!(said.stderr.contains("1.refused-source failed"), "{said:?}");
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn a_changed_application_is_exit_10() {
    let lab = Lab::up();
    let said = meanwhile(&lab, || {
        let config = lab.path().join("ssh_config");
        let mut ssh = lab.enter("ssh");
        ssh.args(["-F", config.to_str().unwrap(), "production-1", "echo '# edited' >> ChatMRPT/wsgi.py"]);
        assert!(ssh.status().unwrap().success());
    });
    let said = said.expect(10);
    assert!(said.stderr.contains("production-1"), "{said:?}");
    lab.migrate(&["check"]).expect(5);
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn the_network_away_is_no_verdict_and_the_same_command_goes_on() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    // `enter` applies the lab's own endpoint; the wrong one is given to the entered process itself.
    let program = env!("CARGO_BIN_EXE_migrate");
    let rollout = lab.path().join("rollout.yaml");
    let mut away = lab.enter("env");
    away.arg("AWS_ENDPOINT_URL=http://10.78.0.2:9").arg(program).arg("--rollout").arg(&rollout).arg("rollback");
    let said = Said::from(away.output().unwrap());
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.stderr.contains("the same command"), "{said:?}");
    lab.migrate(&["status"]).expect(0);
    lab.migrate(&["rollback"]).expect(0);
    lab.assert_nothing_left();
}
