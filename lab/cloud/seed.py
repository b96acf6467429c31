"""What the account holds before anyone migrates anything: network, instances, load balancer, secret, operator."""

from __future__ import annotations

from botocore.client import BaseClient

from cloud.permissions import USER, Permissions
from cloud.upstream import Upstream
from world import addresses, identities


def seed(upstream: Upstream, permissions: Permissions) -> dict[str, str]:
    """Fills the stand-in. Returns the operator's credentials."""
    ec2 = upstream.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.78.0.0/16")["Vpc"]["VpcId"]
    _name(ec2, vpc, "chatmrpt")
    subnets = []
    for block, zone in (("10.78.0.0/25", "us-east-2a"), ("10.78.0.128/25", "us-east-2b")):
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        _name(ec2, subnet, f"chatmrpt-{zone}")
        subnets.append(subnet)
    application = _group(ec2, vpc, "chatmrpt-application", "The application's instances")
    other = _group(ec2, vpc, "reporting", "Instances that are not the application's")
    instances = {
        host.name: _instance(ec2, host, subnets[0], application if host.application else other)
        for host in addresses.HOSTS
    }
    _target_group(upstream, vpc, [instances["production-1"], instances["production-2"]])
    upstream.client("secretsmanager").create_secret(
        Name="chatmrpt/redis-auth-token", SecretString=identities.auth_token()
    )
    return _operator(upstream, permissions)


def _name(ec2: BaseClient, resource: str, name: str) -> None:
    ec2.create_tags(Resources=[resource], Tags=[{"Key": "Name", "Value": name}])


def _group(ec2: BaseClient, vpc: str, name: str, description: str) -> str:
    return ec2.create_security_group(GroupName=name, Description=description, VpcId=vpc)["GroupId"]


def _instance(ec2: BaseClient, host: addresses.Host, subnet: str, group: str) -> str:
    made = ec2.run_instances(
        ImageId="ami-1ab00000",
        InstanceType="t3.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        PrivateIpAddress=host.address,
        SecurityGroupIds=[group],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": host.instance}]}],
    )
    return made["Instances"][0]["InstanceId"]


def _target_group(upstream: Upstream, vpc: str, instances: list[str]) -> None:
    elb = upstream.client("elbv2")
    group = elb.create_target_group(
        Name="chatmrpt-web",
        Protocol="HTTP",
        Port=8080,
        VpcId=vpc,
        TargetType="instance",
        HealthCheckPath="/ping",
    )["TargetGroups"][0]["TargetGroupArn"]
    # As the HAProxy in its stead does: a user stays on one target.
    elb.modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": "stickiness.enabled", "Value": "true"}, {"Key": "stickiness.type", "Value": "lb_cookie"}],
    )
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": name, "Port": 8080} for name in instances])


def _operator(upstream: Upstream, permissions: Permissions) -> dict[str, str]:
    iam = upstream.client("iam")
    iam.create_user(UserName=USER)
    permissions.apply([])
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    permissions.access_key = key["AccessKeyId"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def security_groups(upstream: Upstream) -> set[str]:
    """Every security group there is, to tell later which ones are new."""
    return {g["GroupId"] for g in upstream.client("ec2").describe_security_groups()["SecurityGroups"]}
