"""Who is where in the lab's network. The one list of hosts; everything else asks it."""

from __future__ import annotations

from dataclasses import dataclass

BRIDGE = "10.78.0.1"
PREFIX = 24
CLOUD = "10.78.0.2"
CLOUD_PORT = 4566
# The load balancer: port 80, as users see the application.
BALANCER = "10.78.0.5"
BALANCER_NAME = "chatmrpt.lab.internal"
REDIS = "10.78.0.50"
REDIS_PORT = 6379
REDIS_NAME = "master.chatmrpt-sessions.lab.internal"
REGION = "us-east-2"


@dataclass(frozen=True)
class Host:
    """A sandbox that stands for one EC2 instance."""

    name: str
    address: str
    instance: str
    application: bool = True


HOSTS = (
    Host("staging", "10.78.0.11", "chatmrpt-staging"),
    Host("production-1", "10.78.0.21", "chatmrpt-production-1"),
    Host("production-2", "10.78.0.22", "chatmrpt-production-2"),
    # Holds none of the application's security groups: must never reach the store.
    Host("bystander", "10.78.0.31", "reporting", application=False),
)


def hosts_file() -> str:
    """/etc/hosts of the operator's machine and of every host."""
    lines = [
        "127.0.0.1 localhost",
        f"{BRIDGE} operator",
        f"{CLOUD} cloud.lab.internal",
        f"{REDIS} {REDIS_NAME}",
        f"{BALANCER} {BALANCER_NAME}",
    ]
    lines += [f"{host.address} {host.name} {host.instance}" for host in HOSTS]
    return "\n".join(lines) + "\n"
