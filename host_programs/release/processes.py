"""A unit's Gunicorn: its master, masters beside it, their workers. Changes nothing."""

import subprocess
from typing import Dict, List, Optional

from host_programs.proc import command_line, environment_of, process_ids, stat_fields
from host_programs.release.site import Site
from host_programs.request import PASSING, Refusal

# How far up the parents of a process are looked at: longer lines are not those of a service.
MAX_ANCESTORS = 20


def parse_properties(text: str) -> Dict[str, str]:
    """The properties in the output of `systemctl show`."""
    return dict(line.partition("=")[::2] for line in text.splitlines())


def properties(unit: str, *names: str) -> Dict[str, str]:
    """Properties of a unit, as the service manager reports them."""
    words = ["systemctl", "show", unit] + [word for name in names for word in ("-p", name)]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise Refusal(PASSING, "systemctl show %s: %s" % (unit, last_line(done.stderr)))
    return parse_properties(done.stdout.decode("utf-8", "replace"))


def last_line(output: bytes) -> str:
    """The last line of a command's output."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def main_process(unit: str) -> Optional[int]:
    """The unit's main process, as the service manager knows it; None when it does not run."""
    text = properties(unit, "MainPID").get("MainPID", "")
    pid = int(text) if text.isdigit() else 0
    return pid if pid and is_running(pid) else None


def words_of(pid: int) -> List[str]:
    """A process's command line; nothing when it has ended."""
    try:
        return command_line(pid)
    except OSError:
        return []


def variables_of(pid: int) -> Dict[str, str]:
    """The environment that a process was started with; nothing when it has ended."""
    try:
        return environment_of(pid)
    except OSError:
        return {}


def fields_of(pid: int) -> List[bytes]:
    """The fields of proc_pid_stat(5) from the third on; nothing when the process has ended."""
    try:
        return stat_fields(pid)
    except OSError:
        return []


def is_running(pid: int) -> bool:
    """Whether a process runs. A zombie does not."""
    fields = fields_of(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X")


def parent_of(pid: int) -> int:
    """A process's parent; 0 when the process has ended."""
    fields = fields_of(pid)
    return int(fields[1]) if fields else 0


def ticks_of(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 when it has ended."""
    fields = fields_of(pid)
    return int(fields[19]) if fields else 0


def identity_of(pid: int) -> Dict[str, int]:
    """What tells a process from a later one with the same id."""
    return {"pid": pid, "started_ticks": ticks_of(pid)}


def children_of(pid: int) -> List[int]:
    """The running children of a process."""
    return [one for one in process_ids() if parent_of(one) == pid and is_running(one)]


def came_from(pid: int, master: int) -> bool:
    """Whether a process is the master that USR2 made of another one.

    Gunicorn tells it which one that was. With setproctitle, which writes over its environment, its title says that it
    is a master.
    """
    if variables_of(pid).get("GUNICORN_PID") == str(master):
        return True
    return all("".join(words_of(one)[:1]).startswith("gunicorn: master") for one in (pid, master))


def successors_of(master: int) -> List[int]:
    """The masters that USR2 made of this one."""
    return [pid for pid in children_of(master) if came_from(pid, master)]


def ancestors_of(master: int) -> List[int]:
    """The masters that this one came from, the nearest first, as long as they run."""
    found, pid = [], master
    while True:
        parent = parent_of(pid)
        if parent <= 1 or not came_from(pid, parent):
            return found
        found.append(parent)
        pid = parent


def workers_of(master: int) -> List[int]:
    """A master's workers, the oldest first."""
    made = set(successors_of(master))
    return sorted((pid for pid in children_of(master) if pid not in made), key=ticks_of)


def in_releases(site: Site) -> List[int]:
    """Processes of Gunicorn, and whatever they have started, that run in a release."""
    main, found = main_process(site.unit), []
    for pid in process_ids():
        if site.tree_of(pid)[0] != "release":
            continue
        line, above = [pid], parent_of(pid)
        while above > 1 and len(line) < MAX_ANCESTORS:
            line.append(above)
            above = parent_of(above)
        if main in line or any("gunicorn" in " ".join(words_of(one)) for one in line):
            found.append(pid)
    return found
