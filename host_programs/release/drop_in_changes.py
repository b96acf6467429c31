"""Installing the unit's drop-in, and removing it. Both need root: `sudo -n`."""

import os
import subprocess
from typing import Dict, List

from host_programs.release.drop_in import drop_in_path, is_in_force
from host_programs.release.processes import last_line, properties
from host_programs.release.site import Site
from host_programs.request import CONFIGURATION, FOREIGN, NOT_PERMITTED, Progress, Refusal

SETTING = "[Service]\nNotifyAccess=all\n"


def commands(unit: str, source: str) -> Dict[str, List[str]]:
    """The commands that have to be allowed: install the file, remove it, and have it read."""
    path = drop_in_path(unit)
    return {
        "put": ["install", "-D", "-m", "0644", source, path],
        "remove": ["rm", "-f", path],
        "tidy": ["rmdir", "--ignore-fail-on-non-empty", os.path.dirname(path)],
        "read": ["systemctl", "daemon-reload"],
    }


def as_root(words: List[str]) -> None:
    """Runs a command as root."""
    command = ["sudo", "-n", *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise Refusal(NOT_PERMITTED, "`sudo -n %s` failed: %s" % (" ".join(words), last_line(done.stderr)))


def is_allowed(words: List[str]) -> bool:
    """Whether this account may run a command as root."""
    command = ["sudo", "-n", "-l", *words]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.run(command, **quiet).returncode == 0
    except FileNotFoundError:
        return False


def require_allowed(unit: str, source: str) -> None:
    """Refuses unless all commands are allowed: a drop-in that cannot be removed again is not installed."""
    for words in commands(unit, source).values():
        if not is_allowed(words):
            raise Refusal(NOT_PERMITTED, "`sudo -n %s` is not allowed on this host" % " ".join(words))


def drop_in_text(site: Site) -> str:
    """The drop-in's content."""
    return "# migrate: rollout %s; taken away when its releases are\n%s" % (site.rollout, SETTING)


def put_drop_in(site: Site, source: str) -> None:
    """Installs the drop-in and has the service manager read it."""
    steps = commands(site.unit, source)
    with open(source, "w") as file:
        file.write(drop_in_text(site))
    as_root(steps["put"])
    as_root(steps["read"])
    if not is_in_force(site.unit):
        what = "%s has no effect: another drop-in of %s sets NotifyAccess after it"
        raise Refusal(CONFIGURATION, what % (drop_in_path(site.unit), site.unit))


def has_drop_in(site: Site) -> bool:
    """Whether the drop-in exists, or the service manager still knows it. Another owner's is refused."""
    path = drop_in_path(site.unit)
    try:
        with open(path) as file:
            if file.read() != drop_in_text(site):
                raise Refusal(FOREIGN, "%s is not the one of this rollout" % path)
        return True
    except FileNotFoundError:
        return path in properties(site.unit, "DropInPaths").get("DropInPaths", "").split()


def remove_drop_in(site: Site) -> None:
    """Removes the drop-in and has the service manager read that."""
    steps = commands(site.unit, "")
    Progress.has_written = True
    as_root(steps["remove"])
    if os.path.isdir(os.path.dirname(drop_in_path(site.unit))):
        as_root(steps["tidy"])
    as_root(steps["read"])
