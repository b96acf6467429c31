"""The lab's network: a bridge that is the operator's machine, and one network namespace for each node.

Runs as the root of the lab's own user namespace, so none of it is visible outside and all of it ends with the lab.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from world import addresses


def run(*words: str) -> str:
    """Runs a command; what it says is in the error when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def namespace_file(state: Path, node: str) -> Path:
    """The file that stands for a node's network namespace."""
    return state / "netns" / node


def within(state: Path, node: str, *words: str) -> list[str]:
    """A command line that runs inside a node's network."""
    return ["nsenter", f"--net={namespace_file(state, node)}", "--", *words]


def create_bridge() -> None:
    """The operator's end."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "lab", "type", "bridge", "forward_delay", "0")
    run("ip", "address", "add", f"{addresses.BRIDGE}/{addresses.PREFIX}", "dev", "lab")
    run("ip", "link", "set", "lab", "up")


def attach(state: Path, node: str, address: str, routed: bool = True) -> None:
    """Gives a node a network namespace, a cable to the bridge and an address.

    `routed=False` leaves the node without a way to answer anyone: see cloud/firewall.py.
    """
    file = namespace_file(state, node)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    # The mount keeps the namespace alive without a process in it.
    run("unshare", "--net", "sh", "-c", 'mount --bind /proc/self/ns/net "$0"', str(file))
    cable = f"v{address.rsplit('.', 1)[1]}"
    run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(file))
    run("ip", "link", "set", cable, "master", "lab", "up")
    prefix = addresses.PREFIX if routed else 32
    run(
        *within(
            state,
            node,
            "sh",
            "-ec",
            (
                # Services here are started by an ordinary user.
                "echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start;"
                "ip link set lo up; ip link set eth0 up;"
                f"ip address add {address}/{prefix} dev eth0"
            ),
        )
    )
