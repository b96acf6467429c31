"""The proxy: the address the operator's SDK talks to, and the lab's own controls under /_lab/."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloud import call as calls
from cloud import faults as fault_rules
from cloud.call import Call
from cloud.control import Control
from cloud.ec2 import Ec2
from cloud.elasticache import ElastiCache
from cloud.faults import Faults
from cloud.load_balancer import LoadBalancer
from cloud.permissions import Permissions
from cloud.reply import Reply
from cloud.scaling import Scaling
from cloud.upstream import Upstream


class Proxy:
    """What happens to a call, from the fault asked for to the record of it."""

    def __init__(
        self,
        upstream: Upstream,
        faults: Faults,
        permissions: Permissions,
        ec2: Ec2,
        cache: ElastiCache,
        balancer: LoadBalancer,
        scaling: Scaling,
        control: Control,
    ) -> None:
        self.upstream, self.faults, self.permissions = upstream, faults, permissions
        self.ec2, self.cache, self.balancer, self.scaling, self.control = ec2, cache, balancer, scaling, control
        self.record: list[dict] = []
        # Two changes at once must not slip past a check that looks before it forwards.
        self._changes = threading.Lock()

    def handle(self, call: Call) -> Reply:
        """Answers a call and writes it down, without its parameters: they may hold secrets."""
        started = time.monotonic()
        # A dry run is a question about permissions: a fault waits for the real call, unless it is a denial.
        fault = None if call.dry_run else self.faults.take(call)
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        reply = fault_rules.refusal(fault, call, self.permissions.caller(call.access_key)) if fault else None
        if reply is None:
            reply = self._answer(call, bool(fault and fault.kind == "create_failed"))
        if fault and fault.kind == "drop_reply":
            reply.dropped = True
        self.record.append(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "service": call.service,
                "action": call.action,
                "resource": call.resource,
                "dry_run": call.dry_run,
                "outcome": "dropped" if reply.dropped else reply.code,
                "effect": reply.code if reply.dropped else None,
                "status": reply.status,
                "fault": fault.kind if fault else None,
                "milliseconds": round((time.monotonic() - started) * 1000),
            }
        )
        return reply

    def _answer(self, call: Call, fails: bool) -> Reply:
        if not call.changes_something:
            return self._forward(call, fails)
        with self._changes:
            reply = self._forward(call, fails)
            if call.service in ("ec2", "elasticache"):
                self.cache.reconcile()
            return reply

    def _forward(self, call: Call, fails: bool) -> Reply:
        reply = None
        if call.service == "ec2":
            reply = self.ec2.refuse(call)
        elif call.service == "elasticache" and self.permissions.allows(call):
            reply = self.cache.refuse(call) or self.cache.hold_back(call)
        elif call.service == "autoscaling" and self.permissions.allows(call):
            reply = self.scaling.change(call)
        if reply is not None:
            return reply
        reply = self.upstream.forward(call)
        if call.service == "elasticache":
            self.cache.follow(call, reply, fails)
        elif call.action == "SimulatePrincipalPolicy":
            self.permissions.correct_simulation(reply)
        self.balancer.answer(call, reply)
        self.scaling.answer(call, reply)
        return reply


class Handler(BaseHTTPRequestHandler):
    """HTTP in and out."""

    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/_lab/"):
            status, answer = self.proxy.control.handle(self.command, self.path, body, self.client_address[0])
            self._send(Reply(status, json.dumps(answer).encode(), [("Content-Type", "application/json")]))
            return
        reply = self.proxy.handle(calls.parse(self.command, self.path, list(self.headers.items()), body))
        if reply.dropped:
            self.close_connection = True
            return
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    # The base class looks for these names.
    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the record of calls tells more, and no query string ends up in a log."""


class Server(ThreadingHTTPServer):
    """One thread for each connection; a lab ends without waiting for them."""

    daemon_threads = True
    request_queue_size = 128
