"""The load balancer of the target group: HAProxy, following what the stand-in says is registered.

As an Application Load Balancer it checks the health path itself, keeps a user on one target by a cookie, never asks
another target in place of one that failed (the user sees the 502 or 503), and lets a deregistered target finish. The
stand-in lists every target as healthy; what `DescribeTargetHealth` answers here is what HAProxy has seen.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from cloud.call import Call
from cloud.reply import Reply
from cloud.upstream import Upstream
from world import addresses, network

TARGET_GROUP = "chatmrpt-web"
# How long a deregistered target may finish what it has begun.
_DRAIN_SECONDS = 5.0
_CONFIGURATION = """
global
    stats socket unix@{socket} mode 600 level admin
    log stderr format raw local0 info
defaults
    mode http
    log global
    option httplog
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    # As long as a real load balancer waits.
    timeout check 5s
    retries 0
frontend web
    bind {address}:80
    default_backend targets
backend targets
    balance roundrobin
    cookie AWSALB insert indirect nocache httponly
    option httpchk GET /ping
    default-server check inter 500ms fall 2 rise 2
{servers}
"""


@dataclass
class Target:
    """A registered instance, or one that is leaving."""

    instance: str
    port: int
    # When a target that is leaving is gone; None while it is registered.
    leaves_at: float | None = None


class LoadBalancer:
    """HAProxy with a place for every host; who has one in use is what the target group says."""

    def __init__(self, directory: Path, upstream: Upstream) -> None:
        self.directory, self.upstream = directory, upstream
        self.home = directory / "state/balancer"
        self.home.mkdir()
        self.hosts = {
            instance: host for host in addresses.HOSTS if host.application for instance in self._instances(host.address)
        }
        self.targets: dict[str, Target] = {}
        self._lock = threading.Lock()
        self.arn = upstream.client("elbv2").describe_target_groups(Names=[TARGET_GROUP])["TargetGroups"][0][
            "TargetGroupArn"
        ]
        self._start()
        self.tick()

    def _instances(self, address: str) -> list[str]:
        found = self.upstream.client("ec2").describe_instances()["Reservations"]
        return [i["InstanceId"] for r in found for i in r["Instances"] if i["PrivateIpAddress"] == address]

    def _start(self) -> None:
        servers = "\n".join(
            f"    server {instance} {host.address}:8080 cookie {host.name} disabled"
            for instance, host in self.hosts.items()
        )
        configuration = self.home / "haproxy.cfg"
        configuration.write_text(_CONFIGURATION.format(socket="s", address=addresses.BALANCER, servers=servers))
        with (self.directory / "log/balancer.log").open("ab") as log:
            self.process = subprocess.Popen(
                network.within(self.directory / "state", "balancer", "haproxy", "-db", "-f", str(configuration)),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        for _ in range(2400):
            try:
                self._say("show info")
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("haproxy does not answer; see balancer.log")

    def _say(self, command: str) -> str:
        """One order over HAProxy's own socket. A socket's path has to be short; the lab's directory need not be."""
        home = os.open(self.home, os.O_RDONLY)
        try:
            with socket.socket(socket.AF_UNIX) as channel:
                channel.settimeout(5)
                channel.connect(f"/proc/self/fd/{home}/s")
                channel.sendall(command.encode() + b"\n")
                answer = b""
                while chunk := channel.recv(65536):
                    answer += chunk
            return answer.decode()
        finally:
            os.close(home)

    # Following the target group ---------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Makes HAProxy's places equal to what is registered."""
        described = self.upstream.client("elbv2").describe_target_health(TargetGroupArn=self.arn)
        registered = {d["Target"]["Id"]: int(d["Target"]["Port"]) for d in described["TargetHealthDescriptions"]}
        now = time.monotonic()
        with self._lock:
            for instance, port in registered.items():
                known = self.targets.get(instance)
                if known is None or known.leaves_at is not None or known.port != port:
                    self.targets[instance] = Target(instance, port)
                    self._place(instance, f"addr {self.hosts[instance].address} port {port}", "state ready")
            for instance, target in list(self.targets.items()):
                if instance in registered:
                    continue
                if target.leaves_at is None:
                    target.leaves_at = now + _DRAIN_SECONDS
                    self._place(instance, "state drain")
                elif target.leaves_at < now:
                    del self.targets[instance]
                    self._place(instance, "state maint")

    def _place(self, instance: str, *orders: str) -> None:
        if instance in self.hosts:  # Another instance has no place: it is listed, and gets no users.
            for order in orders:
                self._say(f"set server targets/{instance} {order}")

    # What is asked about it -------------------------------------------------------------------------------------------

    def health(self) -> dict[str, str]:
        """The state of each target, in ELBv2's words."""
        rows = [line.split(",") for line in self._say("show stat").splitlines() if line.startswith("targets,")]
        seen = {row[1]: row[17] for row in rows}
        with self._lock:
            return {t.instance: _state(t, seen.get(t.instance, "")) for t in self.targets.values()}

    def answer(self, call: Call, reply: Reply) -> None:
        """Puts what HAProxy has seen into the stand-in's answer."""
        if call.action != "DescribeTargetHealth" or reply.status != 200:
            return
        if call.parameters.get("TargetGroupArn") != self.arn:
            return
        wanted = {value for key, value in call.parameters.items() if key.startswith("Targets.") and key.endswith(".Id")}
        states = self.health()
        members = "".join(
            f"<member><HealthCheckPort>{target.port}</HealthCheckPort><Target><Id>{escape(target.instance)}</Id>"
            f"<Port>{target.port}</Port></Target><TargetHealth><State>{states[target.instance]}</State></TargetHealth>"
            "</member>"
            for target in list(self.targets.values())
            if target.instance in states and (not wanted or target.instance in wanted)
        )
        reply.body = (
            '<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">'
            f"<DescribeTargetHealthResult><TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
            "</DescribeTargetHealthResult><ResponseMetadata><RequestId>lab</RequestId></ResponseMetadata>"
            "</DescribeTargetHealthResponse>"
        ).encode()


def _state(target: Target, seen: str) -> str:
    if target.leaves_at is not None:
        return "draining"
    if seen.startswith("UP"):
        return "healthy"
    # `DOWN 1/2`: on its way up; `no check` or nothing: not asked yet.
    return "unhealthy" if seen.startswith("DOWN") else "initial"
