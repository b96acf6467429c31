"""EC2 as it is and the stand-in is not: dry runs, duplicate rules, and groups that are in use."""

from __future__ import annotations

import re

from cloud import reply
from cloud.call import Call
from cloud.elasticache import ElastiCache
from cloud.permissions import Permissions
from cloud.reply import Reply
from cloud.upstream import Upstream


class Ec2:
    """The checks that come before the stand-in."""

    def __init__(self, upstream: Upstream, cache: ElastiCache, permissions: Permissions) -> None:
        self.upstream, self.cache, self.permissions = upstream, cache, permissions

    def refuse(self, call: Call) -> Reply | None:
        """The errors that the stand-in does not know."""
        if not self.permissions.allows(call):
            return reply.denied("ec2", call.action, self.permissions.caller(call.access_key))
        if call.dry_run:
            return _error(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        if call.action == "AuthorizeSecurityGroupIngress":
            return self._duplicate_rule(call)
        if call.action == "RevokeSecurityGroupIngress":
            return self._absent_rule(call)
        if call.action == "DeleteSecurityGroup":
            return self._in_use(call.parameters.get("GroupId", ""))
        return None

    def _rules(self, group: str) -> set[tuple]:
        for found in self.upstream.client("ec2").describe_security_groups()["SecurityGroups"]:
            if found["GroupId"] == group:
                return {rule for permission in found["IpPermissions"] for rule in _flat(permission)}
        return set()

    def _duplicate_rule(self, call: Call) -> Reply | None:
        present = self._rules(call.parameters.get("GroupId", ""))
        for rule in _asked(call):
            if rule in present:
                peer, protocol, first, last = rule
                return _error(
                    400,
                    "InvalidPermission.Duplicate",
                    f'the specified rule "peer: {peer}, {protocol.upper()}, from port: {first}, to port: '
                    f'{last}, ALLOW" already exists',
                )
        return None

    def _absent_rule(self, call: Call) -> Reply | None:
        group = call.parameters.get("GroupId", "")
        asked = _asked(call)
        if asked and not set(asked) <= self._rules(group):
            return _error(
                400, "InvalidPermission.NotFound", "The specified rule does not exist in this security group."
            )
        return None

    def _in_use(self, group: str) -> Reply | None:
        ec2 = self.upstream.client("ec2")
        others = [g for g in ec2.describe_security_groups()["SecurityGroups"] if g["GroupId"] != group]
        named = any(
            pair.get("GroupId") == group
            for other in others
            for rule in other["IpPermissions"]
            for pair in rule.get("UserIdGroupPairs", [])
        )
        held = any(
            held["GroupId"] == group
            for reservation in ec2.describe_instances()["Reservations"]
            for instance in reservation["Instances"]
            for held in instance["SecurityGroups"]
        )
        if named or held or self.cache.uses(group):
            return _error(400, "DependencyViolation", f"resource {group} has a dependent object")
        return None


def _flat(permission: dict) -> list[tuple]:
    """One rule for every peer: (peer, protocol, first port, last port)."""
    ports = (permission["IpProtocol"], str(permission.get("FromPort", -1)), str(permission.get("ToPort", -1)))
    peers = [pair.get("GroupId", "") for pair in permission.get("UserIdGroupPairs", [])]
    peers += [block["CidrIp"] for block in permission.get("IpRanges", [])]
    return [(peer, *ports) for peer in peers]


def _asked(call: Call) -> list[tuple]:
    """The rules that a call names, as `_flat` would list them."""
    rules = []
    numbers = sorted({m.group(1) for key in call.parameters if (m := re.match(r"IpPermissions\.(\d+)\.", key))})
    for number in numbers:
        at = f"IpPermissions.{number}"
        get = call.parameters.get
        ports = (get(f"{at}.IpProtocol", ""), get(f"{at}.FromPort", "-1"), get(f"{at}.ToPort", "-1"))
        for key, value in call.parameters.items():
            if re.match(rf"{re.escape(at)}\.(Groups\.\d+\.GroupId|IpRanges\.\d+\.CidrIp)$", key):
                rules.append((value, *ports))
    return rules


def _error(status: int, code: str, message: str) -> Reply:
    return reply.error("ec2", status, code, message)
