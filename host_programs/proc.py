"""Reading and parsing /proc: proc(5)."""

import os
from typing import Dict, List

# What the kernel appends to a path that no longer exists.
DELETED = " (deleted)"


def read_proc(pid: int, name: str) -> bytes:
    """The content of /proc/PID/NAME."""
    with open("/proc/%d/%s" % (pid, name), "rb") as file:
        return file.read()


def without_deleted(path: str) -> str:
    """The path of a link in /proc, without the kernel's note that it no longer exists."""
    return path[: -len(DELETED)] if path.endswith(DELETED) else path


def path_of(pid: int, name: str) -> str:
    """The path that the link /proc/PID/NAME leads to, such as `cwd` and `exe`."""
    return without_deleted(os.readlink("/proc/%d/%s" % (pid, name)))


def parse_command_line(content: bytes) -> List[str]:
    """The words of /proc/PID/cmdline: each ends with a NUL."""
    return [os.fsdecode(word) for word in content.split(b"\0")[:-1]]


def parse_environment(content: bytes) -> Dict[str, str]:
    """The variables of /proc/PID/environ: the environment that the process was started with."""
    pairs = (entry.split(b"=", 1) for entry in content.split(b"\0") if b"=" in entry)
    return {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}


def parse_stat(content: bytes) -> List[bytes]:
    """The fields of /proc/PID/stat from the third on: a command's name may contain spaces and parentheses.

    Numbers in proc_pid_stat(5) begin at 1: field 3, the state, is at index 0.
    """
    return content.rpartition(b")")[2].split()


def command_line(pid: int) -> List[str]:
    """The words of a process's command line."""
    return parse_command_line(read_proc(pid, "cmdline"))


def environment_of(pid: int) -> Dict[str, str]:
    """The environment that a process was started with."""
    return parse_environment(read_proc(pid, "environ"))


def stat_fields(pid: int) -> List[bytes]:
    """The fields of proc_pid_stat(5) from the third on."""
    return parse_stat(read_proc(pid, "stat"))


def process_ids() -> List[int]:
    """The ids of all processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
