"""Security groups that really refuse.

The store's network has no route to anyone unless a group attached to the replication group admits its port from a
group that the source's instance holds, or from a range that contains the source. Without a route the store cannot
answer, so a refused source waits until it gives up, which is also what a security group does to it.
"""

from __future__ import annotations

import ipaddress
import subprocess
import threading
from pathlib import Path

from cloud.upstream import Upstream
from world import addresses, network

# Answering an ARP request from a source without a route needs the reverse path check to be off.
_OPEN_ARP = "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done"


class Firewall:
    """Keeps the routes of the store's network equal to what the security groups say."""

    def __init__(self, state: Path, upstream: Upstream) -> None:
        self.state, self.upstream = state, upstream
        self._admitted: set[str] = set()
        # While true, nobody reaches the store, whatever the groups say: a network that failed.
        self.cut = False
        self._lock = threading.Lock()
        network.run(*network.within(state, "redis", "sh", "-c", _OPEN_ARP))

    def reconcile(self, groups: list[str]) -> None:
        """Opens and closes until exactly the admitted sources have a route."""
        with self._lock:
            wanted = self.sources(groups) if groups and not self.cut else set()
            for address in wanted - self._admitted:
                self._route("replace", address)
            for address in self._admitted - wanted:
                self._route("del", address)
            self._admitted = wanted

    def _route(self, verb: str, address: str) -> None:
        subprocess.run(
            network.within(
                self.state, "redis", "ip", "route", verb, f"{address}/32", "dev", "eth0", "src", addresses.REDIS
            ),
            check=True,
            stdin=subprocess.DEVNULL,
        )

    def sources(self, groups: list[str]) -> set[str]:
        """The addresses that these groups admit to the store's port."""
        ec2 = self.upstream.client("ec2")
        known = [addresses.BRIDGE, addresses.CLOUD, *(host.address for host in addresses.HOSTS)]
        admitted: set[str] = set()
        for group in ec2.describe_security_groups()["SecurityGroups"]:
            if group["GroupId"] not in groups:
                continue
            for rule in group["IpPermissions"]:
                if not _covers(rule):
                    continue
                for block in rule.get("IpRanges", []):
                    network_block = ipaddress.ip_network(block["CidrIp"], strict=False)
                    admitted |= {a for a in known if ipaddress.ip_address(a) in network_block}
                holders = [pair["GroupId"] for pair in rule.get("UserIdGroupPairs", []) if "GroupId" in pair]
                if holders:
                    admitted |= self._holders(holders)
        return admitted

    def _holders(self, groups: list[str]) -> set[str]:
        reservations = self.upstream.client("ec2").describe_instances()["Reservations"]
        return {
            instance["PrivateIpAddress"]
            for reservation in reservations
            for instance in reservation["Instances"]
            if any(group["GroupId"] in groups for group in instance["SecurityGroups"])
        }


def _covers(rule: dict) -> bool:
    if rule["IpProtocol"] == "-1":
        return True
    first, last = rule.get("FromPort", 0), rule.get("ToPort", 65535)
    return rule["IpProtocol"] in ("tcp", "6") and first <= addresses.REDIS_PORT <= last
