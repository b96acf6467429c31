"""ElastiCache behind the proxy: slow, jealous of what is in use, and what its faults look like."""

from __future__ import annotations

from conftest import Lab, refusal

ARN = "arn:aws:elasticache:us-east-2:000000000000:"
OPERATOR = "arn:aws:iam::000000000000:user/migrate-operator"


def decisions(lab: Lab, *actions: str) -> list[str]:
    found = lab.aws("iam", "simulate_principal_policy", PolicySourceArn=OPERATOR, ActionNames=list(actions))
    return [result["EvalDecision"] for result in found["EvaluationResults"]]


def tags(lab: Lab, resource: str) -> list[dict]:
    return lab.aws("elasticache", "list_tags_for_resource", ResourceName=ARN + resource)["TagList"]


def test_life_of_a_replication_group(lab: Lab) -> None:
    lab.control("POST", "settings", {"slow_creating_seconds": 5, "deleting_seconds": 5})
    group = lab.security_group()
    lab.subnet_group()
    created = lab.replication_group(SecurityGroupIds=[group])
    assert created["Status"] == "creating"
    assert created.get("NodeGroups", []) == []
    assert lab.control("GET", "resources")["store_running"] is False
    assert (
        lab.refused("elasticache", "list_tags_for_resource", ResourceName=f"{ARN}replicationgroup:store")[0]
        == "InvalidReplicationGroupState"
    )
    assert (
        lab.refused("elasticache", "delete_replication_group", ReplicationGroupId="store")[0]
        == "InvalidReplicationGroupState"
    )

    lab.wait_group("available")
    found = lab.aws("elasticache", "describe_replication_groups", ReplicationGroupId="store")["ReplicationGroups"][0]
    assert found["NodeGroups"][0]["PrimaryEndpoint"] == {
        "Address": "master.chatmrpt-sessions.lab.internal",
        "Port": 6379,
    }
    assert "ConfigurationEndpoint" not in found
    assert found["AuthTokenEnabled"]
    assert found["TransitEncryptionEnabled"]
    assert found["CacheNodeType"] == "cache.t4g.small"
    assert len(found["MemberClusters"]) == 2
    assert tags(lab, "replicationgroup:store") == [{"Key": "migrate:rollout", "Value": "test"}]

    lab.aws("elasticache", "delete_replication_group", ReplicationGroupId="store")
    assert lab.group_status() == "deleting"
    lab.wait_group("gone")
    assert lab.control("GET", "resources")["store_running"] is False


def test_duplicates(lab: Lab) -> None:
    lab.subnet_group()
    lab.replication_group()
    assert refusal(lab.replication_group) == ("ReplicationGroupAlreadyExists", 400)
    assert refusal(lab.subnet_group) == ("CacheSubnetGroupAlreadyExists", 400)


def test_what_is_in_use_stays(lab: Lab) -> None:
    lab.control("POST", "settings", {"in_use_seconds": 5, "deleting_seconds": 3})
    group = lab.security_group()
    lab.subnet_group()
    lab.replication_group(SecurityGroupIds=[group])
    lab.wait_group("available")
    in_use = ("DependencyViolation", 400)
    assert lab.refused("ec2", "delete_security_group", GroupId=group) == in_use
    assert lab.refused("elasticache", "delete_cache_subnet_group", CacheSubnetGroupName="store") == (
        "CacheSubnetGroupInUse",
        400,
    )
    lab.aws("elasticache", "delete_replication_group", ReplicationGroupId="store")
    assert lab.refused("elasticache", "delete_cache_subnet_group", CacheSubnetGroupName="store") == (
        "CacheSubnetGroupInUse",
        400,
    )
    lab.wait_group("gone")
    # The store is gone, its network interfaces are not yet.
    assert lab.refused("ec2", "delete_security_group", GroupId=group) == in_use
    lab.clean()


def test_failed_creation_can_be_deleted(lab: Lab) -> None:
    lab.subnet_group()
    lab.fault("CreateReplicationGroup", "create_failed")
    assert lab.replication_group()["Status"] == "creating"
    lab.wait_group("create-failed")
    assert lab.control("GET", "resources")["store_running"] is False
    lab.aws("elasticache", "delete_replication_group", ReplicationGroupId="store")
    lab.wait_group("gone")


def test_throttling(lab: Lab) -> None:
    lab.fault("DescribeReplicationGroups", "throttle")
    assert lab.refused("elasticache", "describe_replication_groups") == ("Throttling", 400)
    assert lab.aws("elasticache", "describe_replication_groups")["ReplicationGroups"] == []


def test_lost_reply_then_already_exists(lab: Lab) -> None:
    lab.subnet_group()
    lab.fault("CreateReplicationGroup", "drop_reply")
    assert refusal(lab.replication_group) == ("ConnectionClosedError", 0)
    assert refusal(lab.replication_group) == ("ReplicationGroupAlreadyExists", 400)
    lab.wait_group("available")


def test_denied_action_is_also_denied_in_a_simulation(lab: Lab) -> None:
    lab.subnet_group()
    actions = ("elasticache:CreateReplicationGroup", "elasticache:DeleteReplicationGroup", "s3:PutObject")
    assert decisions(lab, *actions) == ["allowed", "allowed", "implicitDeny"]
    lab.fault("CreateReplicationGroup", "deny")
    assert decisions(lab, *actions) == ["explicitDeny", "allowed", "implicitDeny"]
    assert refusal(lab.replication_group) == ("AccessDenied", 403)
    assert lab.control("GET", "resources")["replication_groups"] == []


def test_withheld_permissions(lab: Lab) -> None:
    assert lab.command("permissions", "withhold", "elasticache").stdout == "withheld: elasticache\n"
    assert decisions(lab, "elasticache:CreateReplicationGroup", "ec2:DescribeVpcs") == ["implicitDeny", "allowed"]
    assert lab.refused("elasticache", "describe_replication_groups") == ("AccessDenied", 403)
    assert lab.command("permissions", "grant").stdout == "withheld: nothing\n"
    assert lab.aws("elasticache", "describe_replication_groups")["ReplicationGroups"] == []


def test_the_record_holds_no_secret(lab: Lab) -> None:
    lab.subnet_group()
    lab.replication_group()
    lab.wait_group("available")
    token = lab.token()
    assert token not in lab.command("calls", "--json").stdout
    for log in (lab.directory / "log").glob("*.log"):
        assert token not in log.read_text(errors="replace"), log.name
