"""EC2 behind the proxy: what the stand-in alone would answer wrongly."""

from __future__ import annotations

import pytest

from conftest import Lab


def rule(**peer: object) -> list[dict]:
    return [{"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, **peer}]


def test_dry_run_says_allowed_and_does_nothing(lab: Lab) -> None:
    arguments = {"GroupName": "store", "Description": "d", "VpcId": lab.vpc(), "DryRun": True}
    assert lab.refused("ec2", "create_security_group", **arguments) == ("DryRunOperation", 412)
    assert lab.control("GET", "resources")["security_groups"] == []


def test_dry_run_says_denied(lab: Lab) -> None:
    lab.fault("CreateSecurityGroup", "deny")
    arguments = {"GroupName": "store", "Description": "d", "VpcId": lab.vpc()}
    assert lab.refused("ec2", "create_security_group", DryRun=True, **arguments) == ("UnauthorizedOperation", 403)
    assert lab.refused("ec2", "create_security_group", **arguments) == ("UnauthorizedOperation", 403)


def test_dry_run_of_an_action_outside_the_policy_is_denied(lab: Lab) -> None:
    arguments = {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1, "DryRun": True}
    assert lab.refused("ec2", "run_instances", **arguments) == ("UnauthorizedOperation", 403)


def test_duplicate_group(lab: Lab) -> None:
    lab.security_group()
    code, _ = lab.refused("ec2", "create_security_group", GroupName="store", Description="d", VpcId=lab.vpc())
    assert code == "InvalidGroup.Duplicate"


@pytest.mark.parametrize("by_group", [True, False])
def test_duplicate_rule(lab: Lab, by_group: bool) -> None:
    group = lab.security_group()
    peer = (
        {"UserIdGroupPairs": [{"GroupId": lab.application_group()}]}
        if by_group
        else {"IpRanges": [{"CidrIp": "10.78.0.0/24"}]}
    )
    lab.aws("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=rule(**peer))
    assert lab.refused("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=rule(**peer)) == (
        "InvalidPermission.Duplicate",
        400,
    )
    lab.aws("ec2", "revoke_security_group_ingress", GroupId=group, IpPermissions=rule(**peer))
    assert lab.refused("ec2", "revoke_security_group_ingress", GroupId=group, IpPermissions=rule(**peer)) == (
        "InvalidPermission.NotFound",
        400,
    )


def test_group_named_by_another_groups_rule_is_in_use(lab: Lab) -> None:
    first, second = lab.security_group("first"), lab.security_group("second")
    peer = {"UserIdGroupPairs": [{"GroupId": first}]}
    lab.aws("ec2", "authorize_security_group_ingress", GroupId=second, IpPermissions=rule(**peer))
    assert lab.refused("ec2", "delete_security_group", GroupId=first) == ("DependencyViolation", 400)


def test_group_held_by_an_instance_is_in_use(lab: Lab) -> None:
    assert lab.refused("ec2", "delete_security_group", GroupId=lab.application_group())[0] == "DependencyViolation"


def test_tags_given_at_creation_are_found(lab: Lab) -> None:
    tags = [{"Key": "migrate:rollout", "Value": "test"}]
    made = lab.aws(
        "ec2",
        "create_security_group",
        GroupName="store",
        Description="d",
        VpcId=lab.vpc(),
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )
    found = lab.aws("ec2", "describe_security_groups", Filters=[{"Name": "tag:migrate:rollout", "Values": ["test"]}])[
        "SecurityGroups"
    ]
    assert [(group["GroupId"], group["Tags"]) for group in found] == [(made["GroupId"], tags)]


def test_throttling_ends_after_the_asked_times(lab: Lab) -> None:
    lab.fault("DescribeSubnets", "throttle", times=2)
    assert lab.refused("ec2", "describe_subnets") == ("RequestLimitExceeded", 503)
    assert lab.refused("ec2", "describe_subnets") == ("RequestLimitExceeded", 503)
    assert lab.aws("ec2", "describe_subnets")["Subnets"]


def test_lost_reply_leaves_the_effect(lab: Lab) -> None:
    lab.fault("CreateSecurityGroup", "drop_reply")
    code, _ = lab.refused("ec2", "create_security_group", GroupName="store", Description="d", VpcId=lab.vpc())
    assert code == "ConnectionClosedError"
    assert [group["name"] for group in lab.control("GET", "resources")["security_groups"]] == ["store"]
    last = [call for call in lab.control("GET", "calls")["calls"] if call["action"] == "CreateSecurityGroup"][-1]
    assert (last["outcome"], last["effect"]) == ("dropped", "ok")


def test_asked_error(lab: Lab) -> None:
    lab.fault("DescribeVpcs", "error", code="InternalError", status=500)
    assert lab.refused("ec2", "describe_vpcs") == ("InternalError", 500)


def test_a_wrong_order_is_refused(lab: Lab) -> None:
    done = lab.command("fault", "DescribeVpcs", "sabotage", check=False)
    assert done.returncode == 2
    assert "sabotage" in done.stderr
