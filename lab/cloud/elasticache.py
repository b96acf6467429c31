"""ElastiCache as it is and the stand-in is not: slow, jealous of what is in use, and strict about states.

The stand-in keeps the records. This keeps the time: a replication group is `creating` before it is `available` and
`deleting` before it is gone, and the store runs only in between.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field

from cloud import reply
from cloud.call import Call
from cloud.firewall import Firewall
from cloud.redis_node import RedisNode
from cloud.reply import Reply
from cloud.settings import Settings
from cloud.upstream import Upstream


@dataclass
class Group:
    """A replication group's life."""

    name: str
    status: str
    security_groups: list[str]
    subnet_group: str
    tls: bool
    token: str = field(repr=False)
    fails: bool = False
    # When the present status ends.
    until: float = 0.0


class ElastiCache:
    """The states of all replication groups. Subnet groups need no help: the stand-in refuses to delete one in use."""

    def __init__(self, upstream: Upstream, node: RedisNode, firewall: Firewall, settings: Settings) -> None:
        self.upstream, self.node, self.firewall, self.settings = upstream, node, firewall, settings
        self.groups: dict[str, Group] = {}
        # Security groups stay in use for a while after the deletion: the network interfaces go last.
        self.lingering: dict[str, float] = {}
        self.lock = threading.RLock()

    # Before the stand-in sees a call ----------------------------------------------------------------------------------

    def refuse(self, call: Call) -> Reply | None:
        """The errors that the stand-in does not know."""
        with self.lock:
            group = self.groups.get(call.parameters.get("ReplicationGroupId", ""))
            if call.action == "CreateReplicationGroup":
                if group:
                    return _error("ReplicationGroupAlreadyExists", f"Replication group {group.name} already exists")
                if self.groups:
                    return _error(
                        "NodeQuotaForCustomerExceeded", "The lab has one node, and another replication group has it"
                    )
            if call.action in ("DeleteReplicationGroup", "ModifyReplicationGroup") and group:
                deletable = call.action == "DeleteReplicationGroup" and group.status == "create-failed"
                if group.status != "available" and not deletable:
                    return _error(
                        "InvalidReplicationGroupState",
                        f"Replication group {group.name} has status {group.status} which is not valid for "
                        "this operation.",
                    )
            if call.action in ("ListTagsForResource", "AddTagsToResource", "RemoveTagsFromResource"):
                # Documented: on a cluster that is not available, an error.
                name = call.parameters.get("ResourceName", "").rpartition("replicationgroup:")[2]
                if name in self.groups and self.groups[name].status != "available":
                    return _error(
                        "InvalidReplicationGroupState", f"Replication group {name} is not in the available state."
                    )
            return None

    def hold_back(self, call: Call) -> Reply | None:
        """A deletion is answered at once and done later: the stand-in is told when it is over."""
        if call.action != "DeleteReplicationGroup":
            return None
        with self.lock:
            group = self.groups.get(call.parameters.get("ReplicationGroupId", ""))
            if not group:
                return None
            group.status, group.until = "deleting", time.monotonic() + self.settings.deleting_seconds
            self.reconcile()
            return Reply(
                200,
                (
                    '<DeleteReplicationGroupResponse xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/">'
                    f"<DeleteReplicationGroupResult><ReplicationGroup><ReplicationGroupId>{group.name}"
                    "</ReplicationGroupId><Status>deleting</Status></ReplicationGroup></DeleteReplicationGroupResult>"
                    "<ResponseMetadata><RequestId>lab</RequestId></ResponseMetadata></DeleteReplicationGroupResponse>"
                ).encode(),
                [("Content-Type", "text/xml")],
            )

    # After it has answered --------------------------------------------------------------------------------------------

    def follow(self, call: Call, answer: Reply, fails: bool) -> None:
        """Takes note of what the call did, and corrects what the reply says."""
        if answer.status == 200:
            with self.lock:
                if call.action == "CreateReplicationGroup":
                    self._created(call, fails)
                elif call.action == "ModifyReplicationGroup" and call.members("SecurityGroupIds"):
                    self.groups[call.parameters["ReplicationGroupId"]].security_groups = call.members(
                        "SecurityGroupIds"
                    )
            answer.edit(self.correct)

    def _created(self, call: Call, fails: bool) -> None:
        name = call.parameters["ReplicationGroupId"]
        self.groups[name] = Group(
            name,
            "creating",
            call.members("SecurityGroupIds"),
            call.parameters.get("CacheSubnetGroupName", ""),
            call.parameters.get("TransitEncryptionEnabled") == "true",
            call.parameters.get("AuthToken", ""),
            fails,
            time.monotonic() + self.settings.slow_creating_seconds,
        )

    def correct(self, text: str) -> str:
        """The true status in every replication group and cluster of a reply; no endpoint before there is one."""
        text = re.sub(r"<ReplicationGroup>(.*?)</ReplicationGroup>", self._correct_group, text, flags=re.S)
        return re.sub(r"<CacheCluster>(.*?)</CacheCluster>", self._correct_cluster, text, flags=re.S)

    def _correct_group(self, match: re.Match) -> str:
        inner = match.group(1)
        name = re.search(r"<ReplicationGroupId>([^<]*)<", inner)
        with self.lock:
            group = self.groups.get(name.group(1)) if name else None
        if group and group.status != "available":
            inner = re.sub(r"<Status>available</Status>", f"<Status>{group.status}</Status>", inner, count=1)
            if group.status != "deleting":
                inner = re.sub(r"<NodeGroups>.*?</NodeGroups>", "", inner, flags=re.S)
        return f"<ReplicationGroup>{inner}</ReplicationGroup>"

    def _correct_cluster(self, match: re.Match) -> str:
        inner = match.group(1)
        name = re.search(r"<ReplicationGroupId>([^<]*)<", inner)
        with self.lock:
            group = self.groups.get(name.group(1)) if name else None
        if group and group.status != "available":
            inner = inner.replace("<CacheClusterStatus>available<", f"<CacheClusterStatus>{group.status}<")
        return f"<CacheCluster>{inner}</CacheCluster>"

    # As time passes ---------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Moves every group on whose time has come."""
        with self.lock:
            for group in list(self.groups.values()):
                if not group.until or time.monotonic() < group.until:
                    continue
                group.until = 0.0
                if group.status == "creating" and group.fails:
                    group.status = "create-failed"
                elif group.status == "creating":
                    self.node.start(group.tls, group.token)
                    group.status = "available"
                elif group.status == "deleting":
                    self._deleted(group)
                group.token = ""
                self.reconcile()
            now = time.monotonic()
            self.lingering = {name: end for name, end in self.lingering.items() if end > now}

    def _deleted(self, group: Group) -> None:
        self.node.stop()
        self.upstream.client("elasticache").delete_replication_group(ReplicationGroupId=group.name)
        del self.groups[group.name]
        end = time.monotonic() + self.settings.in_use_seconds
        self.lingering.update((name, end) for name in group.security_groups)

    def reconcile(self) -> None:
        """Brings the firewall in line with the groups that a live store has."""
        with self.lock:
            self.firewall.reconcile(
                [
                    name
                    for group in self.groups.values()
                    if group.status == "available"
                    for name in group.security_groups
                ]
            )

    def uses(self, security_group: str) -> bool:
        """Whether a security group still hangs on a store."""
        with self.lock:
            return security_group in self.lingering or any(
                security_group in group.security_groups for group in self.groups.values()
            )


def _error(code: str, message: str) -> Reply:
    return reply.error("elasticache", 400, code, message)
