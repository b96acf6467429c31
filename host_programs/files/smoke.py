"""Program: imports an application as a unit's running main process would, in another directory. Writes no file."""

import contextlib
import os
import signal
import subprocess
from typing import Dict, List, NamedTuple, Optional

from host_programs.request import CONFIGURATION, NOT_THERE, PASSING, Refusal, Request, name_of, perform, shown

# What the interpreter runs. It answers on a descriptor of its own: what the application prints is not read.
IMPORT = """
import importlib, os, sys, traceback
answer = os.fdopen(int(sys.argv[2]), "w")
directory = os.getcwd()
try:
    module = importlib.import_module(sys.argv[1])
    found = os.path.realpath(getattr(module, "__file__", None) or "")
    if found.startswith(os.path.realpath(directory) + os.sep):
        answer.write("imported")
    else:
        answer.write("%s is imported from %s, not from %s" % (sys.argv[1], found or "nowhere", directory))
except BaseException:
    kind, value, _ = sys.exc_info()
    lines = "".join(traceback.format_exception_only(kind, value)).strip().splitlines()
    answer.write(lines[-1] if lines else kind.__name__)
answer.flush()
os._exit(0)
"""
# Variables of the service manager, which must not take the import for the service.
MANAGER_VARIABLES = (
    "NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC", "MAINPID",
)  # fmt: skip
# What is read of the answer, in bytes.
LONGEST_ANSWER = 4096
# What is reported of it, in characters.
LONGEST_REPORT = 500


class MainProcess(NamedTuple):
    """A unit's main process: its id, the words of its command line, and its environment."""

    pid: str
    words: List[str]
    environment: Dict[str, str]


def main_process(unit: str) -> MainProcess:
    """The main process of a unit that runs."""
    shows = subprocess.run(["systemctl", "show", unit, "-p", "MainPID"], stdout=subprocess.PIPE)
    pid = shows.stdout.decode("ascii", "replace").strip().partition("=")[2]
    if shows.returncode or not pid.isdecimal() or pid == "0":
        raise Refusal(CONFIGURATION, "%s has no main process: is it running?" % unit)
    try:
        words, variables = [parts_of_process(pid, kind) for kind in ("cmdline", "environ")]
    except FileNotFoundError:
        raise Refusal(PASSING, "process %s of %s ended while it was looked at" % (pid, unit)) from None
    return MainProcess(pid, words, dict(variable.partition("=")[::2] for variable in variables))


def parts_of_process(pid: str, kind: str) -> List[str]:
    """The parts of /proc/PID/cmdline or /proc/PID/environ that are not empty."""
    with open("/proc/%s/%s" % (pid, kind), "rb") as file:
        return [os.fsdecode(part) for part in file.read().split(b"\0") if part]


def interpreter_of(process: MainProcess) -> str:
    """The interpreter by the name it was called by: /proc/PID/exe is the system's, without the virtual environment."""
    named = process.words[0] if process.words else ""
    candidates = [named] if os.path.basename(named).startswith("python") else []
    if process.environment.get("VIRTUAL_ENV"):
        candidates.append(os.path.join(process.environment["VIRTUAL_ENV"], "bin", "python"))
    for candidate in candidates:
        if os.path.isabs(candidate) and os.access(candidate, os.X_OK):
            return candidate
    named = os.readlink("/proc/%s/exe" % process.pid)
    if not os.path.basename(named).startswith("python"):
        raise Refusal(CONFIGURATION, "process %s runs %s, which is not Python" % (process.pid, shown(named)))
    return named


def module_of(words: List[str]) -> str:
    """The application's module, by Gunicorn's last argument: `run` of `run:app`, `app` of `app:create_app()`."""
    last = words[-1] if words else ""
    module = last.partition(":")[0]
    if not all(part.isidentifier() for part in module.split(".")):
        raise Refusal(CONFIGURATION, "the command line does not end with an application such as run:app")
    return module


def outcome(code: int, answer: str) -> Optional[str]:
    """Why an import failed, by the interpreter's exit code and what it answered; None when it succeeded."""
    if code < 0:
        return "the import crashed the interpreter (signal %d)" % -code
    if not answer:
        return "the import ended the interpreter (exit code %d)" % code
    return None if answer == "imported" else " ".join(answer.split())[:LONGEST_REPORT]


def smoke(request: Request) -> Optional[str]:
    """Imports the application of `unit` in `directory`; why that failed, or None."""
    process = main_process(request["unit"])
    interpreter, module = interpreter_of(process), module_of(process.words)
    directory = name_of(request["directory"])
    if not os.path.isdir(directory):
        raise Refusal(NOT_THERE, "there is no directory %s" % shown(directory))
    environment = {name: value for name, value in process.environment.items() if name not in MANAGER_VARIABLES}
    # The import must not leave byte code behind.
    environment.update(PYTHONDONTWRITEBYTECODE="1", PWD=directory)
    answer, told = os.pipe()
    child = subprocess.Popen(
        [interpreter, "-c", IMPORT, module, str(told)],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[told],
        start_new_session=True,
    )
    os.close(told)
    try:
        code = child.wait(request["seconds"])
    except subprocess.TimeoutExpired:
        return "the import did not end within %d s" % request["seconds"]
    finally:
        # Whatever it has started ends with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    os.set_blocking(answer, False)
    try:
        text = os.read(answer, LONGEST_ANSWER).decode("utf-8", "replace").strip()
    except BlockingIOError:
        text = ""
    return outcome(code, text)


if __name__ == "__main__":
    perform(smoke)
