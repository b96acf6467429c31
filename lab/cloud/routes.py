"""Routes that a host changes in its own network, and the way from the operator to a host.

A host's account has no rights over the network it is in, so its `ip` (host/bin/ip) asks here, and here the host's
network is entered and the real `ip` does it. Only routes to single addresses, and only about the asker's own network.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from pathlib import Path

from world import addresses, network

VERBS = ("add", "append", "change", "del", "delete", "prepend", "replace")
_TYPES = ("blackhole", "prohibit", "throw", "unicast", "unreachable")
_OPTIONS = {"dev": ("lo", "eth0"), "scope": ("host", "link", "global"), "metric": None, "src": None, "proto": None}


class Routes:
    """`answer` is what a host asks; `cut`, `restore` and `is_cut` are for the lab itself."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def cut(self, name: str) -> None:
        """The host answers the operator no more; its users notice nothing."""
        self._route(known(name), "replace", "blackhole", addresses.BRIDGE)

    def restore(self, name: str) -> None:
        """The host answers again."""
        if self.is_cut(name):
            self._route(known(name), "del", "blackhole", addresses.BRIDGE)

    def is_cut(self, name: str) -> bool:
        """Whether the operator gets no answer from it."""
        return "blackhole" in self._route(known(name), "show", addresses.BRIDGE)

    def _route(self, host: str, *words: str) -> str:
        line = network.within(self.state, host, "ip", "route", *words)
        return subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True).stdout

    def answer(self, asker: str, body: bytes) -> tuple[int, dict]:
        """What the real `ip` said: {"code": 0, "said": ""}. 400 when it was not asked."""
        host = next((host for host in addresses.HOSTS if host.address == asker), None)
        if host is None:
            return 400, {"error": f"{asker} is no host of this lab"}
        try:
            words = checked(json.loads(body or b"{}").get("words"))
        except ValueError as error:
            return 400, {"error": str(error)}
        done = subprocess.run(
            network.within(self.state, host.name, "ip", "route", *words),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        return 200, {"code": done.returncode, "said": done.stdout + done.stderr}


def known(name: str) -> str:
    """The name of a host of the lab."""
    if name not in (host.name for host in addresses.HOSTS):
        raise ValueError(f"{name} is no host of this lab: {', '.join(host.name for host in addresses.HOSTS)}")
    return name


def checked(words: object) -> list[str]:
    """The words, if they change the route to one address in a way that the lab understands."""
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise ValueError("words: a list of texts")
    verb, *rest = words
    if verb not in VERBS:
        raise ValueError(f"ip route {verb}: the lab knows {', '.join(VERBS)}")
    if rest and rest[0] in _TYPES:
        rest = rest[1:]
    if not rest:
        raise ValueError(f"ip route {verb}: to where?")
    target = ipaddress.ip_network(rest[0])
    if target.version != 4 or target.num_addresses != 1:
        raise ValueError(f"ip route {verb} {rest[0]}: the lab changes only routes to one IPv4 address")
    if str(target.network_address) == addresses.CLOUD:
        raise ValueError("without a route to the cloud nobody could take this back")
    names, values = rest[1::2], rest[2::2]
    if len(names) != len(values):
        raise ValueError(f"ip route {' '.join(words)}: a value is missing")
    for name, value in zip(names, values, strict=True):
        allowed = _OPTIONS.get(name, ())
        if allowed is not None and value not in allowed:
            raise ValueError(f"ip route: the lab does not know `{name} {value}`")
    return words
