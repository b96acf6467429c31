"""The commands that ask the running lab's cloud: faults, calls, resources, settings, permissions, status.

Its address exists only inside the lab, so these run there: `lab` enters first, then calls `main` of this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from world import addresses

URL = f"http://{addresses.CLOUD}:{addresses.CLOUD_PORT}/_lab"


def ask(method: str, name: str, body: dict | None = None) -> dict:
    """One question to the cloud's controls."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/{name}", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"lab: {json.load(error).get('error', error)}")


def add_parsers(commands: argparse._SubParsersAction) -> None:
    """The arguments; `lab` shows them as its own."""
    fault = commands.add_parser("fault", help="make a cloud action fail: lab fault CreateReplicationGroup throttle")
    fault.add_argument("action", help="an action such as CreateReplicationGroup, or `list`, or `clear`")
    fault.add_argument("kind", nargs="?", choices=["throttle", "deny", "drop_reply", "create_failed", "error", "slow"])
    fault.add_argument("--times", type=int, help="how many calls (default 1; deny: until cleared; -1: for ever)")
    fault.add_argument("--code", help="error: the code, such as InternalFailure")
    fault.add_argument("--status", type=int, help="error: the HTTP status")
    fault.add_argument("--seconds", type=float, help="slow: how long the answer takes")
    calls = commands.add_parser("calls", help="every cloud call made so far")
    calls.add_argument("--action", help="only this action")
    calls.add_argument("--clear", action="store_true", help="forget the calls made so far")
    calls.add_argument("--json", action="store_true")
    resources = commands.add_parser("resources", help="what exists in the cloud that `lab up` did not make")
    resources.add_argument("--check-none", action="store_true", help="exit 1 when there is anything")
    resources.add_argument("--json", action="store_true")
    settings = commands.add_parser("settings", help="how slow the cloud is: lab settings slow_creating_seconds=30")
    settings.add_argument("values", nargs="*", metavar="NAME=SECONDS")
    store = commands.add_parser("store", help="take the store off the network, or bring it back")
    store.add_argument("verb", choices=["cut", "restore", "show"])
    path = commands.add_parser(
        "path", help="take the operator's way to a host away, or give it back: lab path staging cut"
    )
    path.add_argument("host", help="such as production-2; its users still reach it")
    path.add_argument("verb", choices=["cut", "restore", "show"])
    permissions = commands.add_parser("permissions", help="the operator's permissions")
    permissions.add_argument("verb", choices=["withhold", "grant", "show"])
    permissions.add_argument("services", nargs="*", help="withhold: service names, such as elasticache")


def fault(options: argparse.Namespace) -> None:
    """`lab fault`."""
    if options.action == "clear":
        answer = ask("DELETE", "faults")
    elif options.action == "list":
        answer = ask("GET", "faults")
    elif not options.kind:
        sys.exit("lab fault: say which kind: throttle, deny, drop_reply, create_failed, error or slow")
    else:
        names = ("action", "kind", "times", "code", "status", "seconds")
        answer = ask("POST", "faults", {n: getattr(options, n) for n in names if getattr(options, n) is not None})
    for one in answer["faults"]:
        print(f"{one['action']} {one['kind']} times={one['times']}")


def calls(options: argparse.Namespace) -> None:
    """`lab calls`."""
    found = ask("DELETE" if options.clear else "GET", "calls")["calls"]
    found = [one for one in found if options.action in (None, one["action"])]
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for one in found:
        notes = "".join(
            f" {word}"
            for word in (
                "dry-run" if one["dry_run"] else "",
                f"fault={one['fault']}" if one["fault"] else "",
                f"effect={one['effect']}" if one["effect"] else "",
            )
            if word
        )
        print(f"{one['time'][11:23]} {one['service']}:{one['action']} {one['resource']} {one['outcome']}{notes}")


def resources(options: argparse.Namespace) -> None:
    """`lab resources`."""
    found = ask("GET", "resources")
    lists = {kind: items for kind, items in found.items() if isinstance(items, list)}
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for kind, items in lists.items():
            for item in items:
                print(kind, *item.values())
    if options.check_none and (found["store_running"] or any(lists.values())):
        sys.exit(1)


def settings(options: argparse.Namespace) -> None:
    """`lab settings`."""
    try:
        values = {name: float(value) for name, _, value in (word.partition("=") for word in options.values)}
    except ValueError:
        sys.exit("lab settings: NAME=SECONDS, such as slow_creating_seconds=30")
    answer = ask("POST", "settings", values) if values else ask("GET", "settings")
    for name, value in answer.items():
        print(f"{name}={value:g}")


def store(options: argparse.Namespace) -> None:
    """`lab store`."""
    answer = ask("GET", "store") if options.verb == "show" else ask("POST", "store", {"cut": options.verb == "cut"})
    print("cut off" if answer["cut"] else "reachable for whom the security groups admit")


def path(options: argparse.Namespace) -> None:
    """`lab path`."""
    answer = ask("POST", "path", {"host": options.host, "verb": options.verb})
    print("cut off" if answer["cut"] else "reachable")


def permissions(options: argparse.Namespace) -> None:
    """`lab permissions`."""
    if options.verb == "withhold" and not options.services:
        sys.exit("lab permissions withhold: name a service, such as elasticache")
    if options.verb == "show":
        answer = ask("GET", "permissions")
    else:
        answer = ask("POST", "permissions", {"withheld": options.services if options.verb == "withhold" else []})
    print("withheld: " + (", ".join(answer["withheld"]) or "nothing"))


COMMANDS = {
    "fault": fault,
    "calls": calls,
    "resources": resources,
    "settings": settings,
    "store": store,
    "path": path,
    "permissions": permissions,
}


def main() -> None:
    """control.py COMMAND ARGUMENTS, inside the lab."""
    parser = argparse.ArgumentParser(prog="lab")
    add_parsers(parser.add_subparsers(dest="command", required=True))
    options = parser.parse_args()
    try:
        COMMANDS[options.command](options)
    except urllib.error.URLError as error:
        sys.exit(f"lab: the cloud does not answer: {error.reason}")


if __name__ == "__main__":
    main()
