"""Program: starts a Gunicorn of ours beside the original, as the original runs.

Arguments: the unit's main process (0 when there is none), and the job in JSON. What runs already and answers is left as
it is; with `exactly`, only when it runs exactly so.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from typing import Dict, Optional

from host_programs.detached.derivation import REFUSED, Job, Launch, Original, derived
from host_programs.detached.ending import alone, end
from host_programs.detached.processes import all_processes, fail, master_of, noted_pid
from host_programs.proc import command_line, environment_of
from host_programs.redaction import redacted, secret_values

LEFT = 70  # EX_SOFTWARE: something may run

# Seconds until the copy has to answer.
START_TIMEOUT = 60
# Seconds that the launcher may have ended before its daemon is seen.
DAEMON_TIMEOUT = 2
# Seconds that a connection may take.
PROBE_TIMEOUT = 2
# What is reported of a log: bytes, then lines.
LOG_BYTES = 4000
LOG_LINES = 25


def is_taken(port: int) -> bool:
    """Whether something listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(PROBE_TIMEOUT)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port: int) -> bool:
    """Whether a worker takes a connection. The master listens long before, and only a worker shows whether the
    application could be loaded. What is sent is not HTTP, so that it never reaches the application.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), PROBE_TIMEOUT) as probe:
            probe.settimeout(PROBE_TIMEOUT)
            probe.sendall(b"migrate\r\n\r\n")
            probe.recv(1)
            return True
    except OSError:
        return False


def tail(path: str, begin: int, environment: Dict[str, str]) -> str:
    """The end of a log, from a position on, without anything that looks like a secret of the environment."""
    try:
        with open(path, "rb") as file:
            file.seek(max(begin, os.fstat(file.fileno()).st_size - LOG_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(redacted(text, secret_values(environment)).splitlines()[-LOG_LINES:])


def run(launch: Launch, job: Job, was_running: bool) -> None:
    """Starts the copy and waits until it answers. When it does not, ends it and reports what it logged."""
    directory, pid_file = job["directory"], job["pid_file"]
    with contextlib.suppress(FileNotFoundError):
        # A process's that has ended: Gunicorn refuses to start when its number is in use again.
        os.unlink(pid_file)
    logged = os.path.getsize(job["error_log"]) if os.path.exists(job["error_log"]) else 0
    with tempfile.NamedTemporaryFile() as said:
        launcher = subprocess.Popen(
            launch.command,
            cwd=directory,
            env=launch.environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        problem = problem_of_start(launcher, job)
        if problem is None:
            return
        if launcher.poll() is None:
            launcher.kill()
            launcher.wait()
        # Only when nothing of it ran before is everything as it was.
        is_clean = end(directory, pid_file) and not was_running
        environment = launch.environment
        log = tail(said.name, 0, environment) + "\n" + tail(job["error_log"], logged, environment)
    fail(REFUSED if is_clean else LEFT, problem + "\n" + log.strip())


def problem_of_start(launcher: subprocess.Popen, job: Job) -> Optional[str]:
    """Waits until the copy answers; why it does not, or None when it does."""
    begun = time.monotonic()
    seen = begun
    while time.monotonic() - begun < START_TIMEOUT:
        code = launcher.poll()
        master = master_of(job["directory"], job["pid_file"], all_processes())
        if master is not None:
            seen = time.monotonic()
        if code not in (None, 0) or (code == 0 and time.monotonic() - seen > DAEMON_TIMEOUT):
            return "it ended right after its start"
        if code == 0 and master is not None and noted_pid(job["pid_file"]) == master and answers(job["port"]):
            return None
        time.sleep(0.1)
    return "it does not answer on port %d within %d s" % (job["port"], START_TIMEOUT)


def runs_so(master: int, launch: Launch) -> bool:
    """Whether a process was started with this command line and these variables."""
    try:
        return command_line(master) == launch.command and environment_of(master) == launch.environment
    except OSError:
        return False  # it has just ended


def start(main: int, job: Job) -> None:
    """Starts the copy, unless it runs."""
    directory, pid_file, port = job["directory"], job["pid_file"], job["port"]
    with alone(pid_file):
        master = master_of(directory, pid_file, all_processes())
        # Without its pid file it may be half started: it is ended for a whole one.
        is_whole = master is not None and noted_pid(pid_file) == master
        if not is_whole or job["exactly"]:
            launch = derived(Original(main, job), job)
            if not (is_whole and runs_so(master, launch) and answers(port)):
                if master is not None and not end(directory, pid_file):
                    fail(LEFT, "an older process of the copy does not end, not even by force")
                if is_taken(port):
                    fail(LEFT if is_whole else REFUSED, "port %d is in use by another process" % port)
                run(launch, job, is_whole)
    print("started")


if __name__ == "__main__":
    start(int(sys.argv[1]), json.loads(sys.argv[2]))
