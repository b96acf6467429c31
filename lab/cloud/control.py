"""The lab's own questions and orders, under /_lab/: faults, settings, permissions, the record, what exists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cloud.elasticache import ElastiCache
from cloud.faults import Faults
from cloud.permissions import Permissions
from cloud.routes import Routes
from cloud.settings import Settings
from cloud.upstream import Upstream

if TYPE_CHECKING:
    from cloud.server import Proxy


class Control:
    """`handle` is the whole interface; the command line speaks it too."""

    def __init__(
        self,
        upstream: Upstream,
        faults: Faults,
        permissions: Permissions,
        cache: ElastiCache,
        settings: Settings,
        routes: Routes,
        seeded: set[str],
    ) -> None:
        self.upstream, self.faults, self.permissions = upstream, faults, permissions
        self.cache, self.settings, self.routes, self.seeded = cache, settings, routes, seeded
        self.proxy: Proxy | None = None

    def handle(self, method: str, path: str, body: bytes, asker: str) -> tuple[int, dict]:
        """Answers one request with a status and what to say. `asker` is the address it came from."""
        name = path[len("/_lab/") :].strip("/")
        if (method, name) == ("POST", "route"):
            return self.routes.answer(asker, body)
        action = getattr(self, f"{method.lower()}_{name}", None) if name.isidentifier() else None
        if action is None:
            return 404, {"error": f"no {method} /_lab/{name}"}
        try:
            return 200, action(json.loads(body or b"{}"))
        except ValueError as error:
            return 400, {"error": str(error)}

    def get_health(self, _: dict) -> dict:
        """Ready as soon as it can be asked."""
        return {"ready": True}

    def get_faults(self, _: dict) -> dict:
        """The faults that are still to come."""
        return {"faults": self.faults.listing()}

    def post_faults(self, order: dict) -> dict:
        """Adds a fault."""
        self.faults.add(order)
        return self.get_faults({})

    def delete_faults(self, _: dict) -> dict:
        """Removes every fault."""
        self.faults.clear()
        return self.get_faults({})

    def get_calls(self, _: dict) -> dict:
        """The record of calls."""
        return {"calls": list(self.proxy.record)}

    def delete_calls(self, _: dict) -> dict:
        """Empties the record of calls."""
        self.proxy.record.clear()
        return self.get_calls({})

    def get_settings(self, _: dict) -> dict:
        """How slow the cloud is."""
        return vars(self.settings)

    def post_settings(self, values: dict) -> dict:
        """Changes how slow the cloud is."""
        self.settings.change(values)
        return vars(self.settings)

    def get_permissions(self, _: dict) -> dict:
        """The services that are taken out of the operator's policy."""
        return {"withheld": self.permissions.withheld}

    def post_permissions(self, order: dict) -> dict:
        """{"withheld": ["elasticache"]} takes away, {"withheld": []} gives back."""
        self.permissions.apply(list(order.get("withheld", [])))
        return self.get_permissions({})

    def get_store(self, _: dict) -> dict:
        """Whether the store is off the network."""
        return {"cut": self.cache.firewall.cut}

    def post_store(self, order: dict) -> dict:
        """{"cut": true} takes the store off the network, {"cut": false} brings it back with all it holds."""
        self.cache.firewall.cut = bool(order.get("cut"))
        self.cache.reconcile()
        return self.get_store({})

    def post_path(self, order: dict) -> dict:
        """{"host": "staging", "verb": "cut"}: the operator does not reach it; also `restore` and `show`."""
        host, verb = str(order.get("host")), order.get("verb")
        if verb in ("cut", "restore"):
            getattr(self.routes, verb)(host)
        return {"cut": self.routes.is_cut(host)}

    def get_resources(self, _: dict) -> dict:
        """What exists and was not there when the lab came up."""
        groups = self.upstream.client("ec2").describe_security_groups()["SecurityGroups"]
        subnets = self.upstream.client("elasticache").describe_cache_subnet_groups()["CacheSubnetGroups"]
        return {
            "security_groups": [
                {"id": g["GroupId"], "name": g["GroupName"]} for g in groups if g["GroupId"] not in self.seeded
            ],
            "replication_groups": [{"id": g.name, "status": g.status} for g in self.cache.groups.values()],
            "cache_subnet_groups": [{"name": s["CacheSubnetGroupName"]} for s in subnets],
            "store_running": self.cache.node.process is not None,
        }
