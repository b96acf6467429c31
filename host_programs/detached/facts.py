"""Program: reports how a Gunicorn of ours runs, as one line of JSON; `null` when it does not run. Changes nothing.

Arguments: the unit's main process, the directory, the pid file, and names of variables to report.
"""

import json
import os
import socket
import stat
import sys
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

from host_programs.detached.processes import TEMPORARY, all_processes, fail, master_of, process_of, with_descendants
from host_programs.proc import command_line, environment_of, path_of, read_proc, stat_fields

# The state LISTEN in proc_pid_net(5).
LISTEN = "0A"


def parse_address(text: str, family: int) -> str:
    """An address and port of proc_pid_net(5), such as `0100007F:1F91`, as `127.0.0.1:8081` or `[::1]:8081`."""
    digits, port = text.split(":")
    # Four bytes at a time, in the order of this machine.
    raw = bytes.fromhex(digits)
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    address = socket.inet_ntop(family, raw)
    return "%s:%d" % ("[%s]" % address if family == socket.AF_INET6 else address, int(port, 16))


def parse_listeners(table: str, family: int) -> Dict[str, str]:
    """The addresses of sockets that listen in a table of proc_pid_net(5), by inode."""
    rows = (row.split() for row in table.splitlines()[1:])
    return {fields[9]: parse_address(fields[1], family) for fields in rows if fields[3] == LISTEN}


def listeners(pid: int) -> Dict[str, str]:
    """The addresses of sockets that listen in a process's network, by inode."""
    found: Dict[str, str] = {}
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            found.update(parse_listeners(read_proc(pid, "net/" + table).decode(), family))
        except OSError:
            continue  # IPv6 may be switched off
    return found


def may_write(fdinfo: str) -> bool:
    """Whether a descriptor is open for writing, by its proc_pid_fdinfo(5)."""
    flags = next(line.split()[1] for line in fdinfo.splitlines() if line.startswith("flags:"))
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


def open_files(pid: int) -> Tuple[Set[str], Set[str]]:
    """The inodes of a process's sockets, and the regular files that it may write."""
    sockets, written = set(), set()
    for number in os.listdir("/proc/%d/fd" % pid):
        descriptor = "/proc/%d/fd/%s" % (pid, number)
        try:
            path = os.readlink(descriptor)
            if path.startswith("socket:["):
                sockets.add(path[len("socket:[") : -1])
            elif stat.S_ISREG(os.stat(descriptor).st_mode) and may_write(read_proc(pid, "fdinfo/" + number).decode()):
                written.add(path)
        except FileNotFoundError:
            continue  # closed meanwhile
    return sockets, written


def legal(text: str) -> str:
    """A text that is legal in JSON, whatever bytes it came from."""
    return os.fsencode(text).decode("utf-8", "replace")


def is_worker_line(words: List[str], master: List[str]) -> bool:
    """Whether a child's command line is a worker's: the master's own, or a title."""
    return words == master or (bool(words) and words[0].startswith("gunicorn: worker"))


def is_worker(pid: int, master: List[str]) -> bool:
    """Whether a child of the master is a worker, and not something that a worker or the application has started."""
    try:
        return is_worker_line(command_line(pid), master)
    except OSError:
        return False


def facts(directory: str, pid_file: str, names: Iterable[str]) -> Optional[Dict[str, Any]]:
    """How our Gunicorn runs, or None when it does not. Of its environment only the named variables are reported."""
    processes = all_processes()
    master = master_of(directory, pid_file, processes)
    if master is None:
        return None
    line = command_line(master)
    workers = sorted(pid for pid, process in processes.items() if process.parent == master and is_worker(pid, line))
    sockets: Set[str] = set()
    written: Set[str] = set()
    for pid in with_descendants([master], processes):
        try:
            its_sockets, its_files = open_files(pid)
        except FileNotFoundError:
            continue  # a worker that was replaced meanwhile
        sockets |= its_sockets
        written |= its_files
    environment = environment_of(master)
    addresses = listeners(master)
    answer = {
        "master": {"pid": master, "started_ticks": processes[master].started},
        "executable": legal(path_of(master, "exe")),
        "command_line": [legal(word) for word in line],
        "directory": legal(path_of(master, "cwd")),
        "workers": [{"pid": pid, "started_ticks": processes[pid].started} for pid in workers],
        "listening": sorted(addresses[inode] for inode in sockets if inode in addresses),
        "environment": {name: legal(environment[name]) for name in names if name in environment},
        "written_files": sorted(legal(path) for path in written),
    }
    if process_of(stat_fields(master)).started != processes[master].started:
        raise FileNotFoundError
    return answer


def report(arguments: List[str]) -> None:
    """Prints the facts."""
    directory, pid_file, *names = arguments
    try:
        print(json.dumps(facts(directory, pid_file, names)))
    except (FileNotFoundError, ProcessLookupError):
        fail(TEMPORARY, "the copy's process ended while it was looked at")


if __name__ == "__main__":
    report(sys.argv[2:])
