"""Faults that a test asks for: what goes wrong, on which action, how many times."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass

from cloud import reply
from cloud.call import Call

KINDS = ("throttle", "deny", "drop_reply", "create_failed", "error", "slow")


@dataclass
class Fault:
    """One order. `times` counts down; -1 never ends."""

    action: str
    kind: str
    times: int
    code: str = "InternalFailure"
    status: int = 500
    seconds: float = 5.0


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, order: dict) -> Fault:
        """Takes an order, or says in ValueError what is wrong with it."""
        known = {"action", "kind", "times", "code", "status", "seconds"}
        if unknown := set(order) - known:
            raise ValueError(f"unknown field {sorted(unknown)[0]!r}; known are {', '.join(sorted(known))}")
        if order.get("kind") not in KINDS:
            raise ValueError(f"unknown kind {order.get('kind')!r}; known are {', '.join(KINDS)}")
        if not order.get("action"):
            raise ValueError("`action` is missing, such as CreateReplicationGroup")
        order = {**order, "action": order["action"].rpartition(":")[2]}
        # Whoever lacks a permission lacks it until it is granted; everything else happens once.
        fault = Fault(**{"times": -1 if order["kind"] == "deny" else 1, **order})
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Back to a cloud that works."""
        with self._lock:
            self._faults.clear()

    def listing(self) -> list[dict]:
        """What is still in force."""
        with self._lock:
            return [asdict(fault) for fault in self._faults if fault.times]

    def denies(self, action: str) -> bool:
        """Whether an action is denied, without using the order up."""
        with self._lock:
            return any(f.kind == "deny" and f.times and f.action == action for f in self._faults)

    def take(self, call: Call) -> Fault | None:
        """The fault for this call, used up by one."""
        with self._lock:
            for fault in self._faults:
                if fault.action == call.action and fault.times:
                    fault.times -= fault.times > 0
                    return fault
        return None


def refusal(fault: Fault, call: Call, arn: str) -> reply.Reply | None:
    """The reply of a fault that keeps the call from having any effect."""
    if fault.kind == "throttle":
        return reply.throttled(call.service)
    if fault.kind == "deny":
        return reply.denied(call.service, call.action, arn)
    if fault.kind == "error":
        return reply.error(call.service, fault.status, fault.code, "An error the lab was asked for")
    return None
