"""The command line and environment of a copy, derived from how the original runs. Changes nothing."""

import json
import os
import subprocess
from typing import Any, Dict, List, NamedTuple, NoReturn, Optional, Tuple

from host_programs.detached.processes import fail
from host_programs.paths import is_inside
from host_programs.proc import command_line, environment_of, path_of

REFUSED = 69  # EX_UNAVAILABLE: nothing of the copy runs

# What systemd tells the service that it starts, and what Gunicorn tells the master that takes over from it.
NOT_INHERITED = (
    "NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "MAINPID", "MANAGERPID",
    "MANAGERPIDFDID", "PIDFILE", "WATCHDOG_PID", "WATCHDOG_USEC", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID",
    "FDSTORE", "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE", "GUNICORN_PID", "GUNICORN_FD", "OLDPWD",
)  # fmt: skip

# What the installed Gunicorn makes of a command line, by its own parser.
ASK = """
import json, sys
from gunicorn.config import Config
parser = Config(prog="gunicorn").parser()
known = vars(parser.parse_args(sys.argv[1:]))
wanted = ("args", "bind", "workers", "pidfile", "accesslog", "errorlog", "chdir", "daemon")
print(json.dumps({"options": sorted(parser._option_string_actions), "known": {name: known[name] for name in wanted}}))
"""

Job = Dict[str, Any]


class Launch(NamedTuple):
    """How to start a process: its command line and its environment."""

    command: List[str]
    environment: Dict[str, str]


def refuse(message: str) -> NoReturn:
    """Ends this program: nothing has been started."""
    fail(REFUSED, message)


def moved(text: str, original: str, directory: str) -> str:
    """A text with the copy's directory in place of the original's.

    It may stand at the text's beginning, in the value of `--name=value`, and in each part of a list with colons.
    """
    name, equals, value = text.partition("=")
    if equals and name.startswith("-"):
        return name + "=" + moved(value, original, directory)
    parts = [directory + part[len(original) :] if is_inside(part, original) else part for part in text.split(":")]
    return ":".join(parts)


def arguments_begin(words: List[str]) -> Optional[int]:
    """Where Gunicorn's own arguments begin in a command line: after `.../gunicorn` or `-m gunicorn`."""
    for at, word in enumerate(words):
        if at > 0 and os.path.basename(word) in ("gunicorn", "gunicorn3"):
            return at + 1
        if word == "-m" and words[at + 1 : at + 2] and words[at + 1] in ("gunicorn", "gunicorn.app.wsgiapp"):
            return at + 2
    return None


def interpreter_path(word: str, directory: str, search_path: str) -> str:
    """The path of the interpreter that a process was called by. A virtual environment is known by this name only."""
    if "/" in word:
        return os.path.normpath(os.path.join(directory, word))
    for place in search_path.split(":"):
        if place and os.access(os.path.join(place, word), os.X_OK):
            return os.path.join(place, word)
    return refuse("the original's interpreter `%s` is not on its PATH" % word)


def parsed(python: str, arguments: List[str], environment: Dict[str, str]) -> Dict[str, Any]:
    """The options that the installed Gunicorn knows, and what it takes the arguments for."""
    quiet = dict(environment, PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(
        [python, "-c", ASK, *arguments],
        cwd="/",
        env=quiet,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        refuse("the original's Gunicorn does not understand its own command line: %s" % lines[-1])
    return json.loads(done.stdout.decode())


def without_bind(arguments: List[str]) -> List[str]:
    """Arguments without any `--bind`: Gunicorn adds them up, and would listen on the original's address as well."""
    kept = []
    is_value = False
    for word in arguments:
        if is_value:
            is_value = False
        elif word in ("--bind", "-b"):
            is_value = True
        elif not word.startswith("--bind=") and not (word.startswith("-b") and not word.startswith("--")):
            kept.append(word)
    return kept


def without_application(arguments: List[str], application: str) -> List[str]:
    """Arguments without the application, which may be named before, between or behind options: the last such word."""
    at = len(arguments) - 1 - arguments[::-1].index(application)
    return arguments[:at] + arguments[at + 1 :]


def parse_environment_file(content: bytes) -> Dict[str, str]:
    """The variables of an environment file: lines of NAME=VALUE."""
    found = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        name, equals, value = line.partition(b"=")
        if not equals and line.strip():
            refuse("line %d of the copy's environment file is not NAME=VALUE" % number)
        if equals:
            found[os.fsdecode(name)] = os.fsdecode(value)
    return found


def file_variables(path: str) -> Dict[str, str]:
    """The variables of the environment file at a path."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        refuse("the copy's environment file cannot be read: %s" % error.strerror)
    return parse_environment_file(content)


class Original:
    """The running service's main process."""

    def __init__(self, pid: int, job: Job) -> None:
        if pid == 0:
            refuse("%s does not run, and the copy is made from how it runs" % job["unit"])
        try:
            self.words, self.environment, self.directory = command_line(pid), environment_of(pid), path_of(pid, "cwd")
        except OSError as error:
            refuse("process %d of %s cannot be looked at: %s" % (pid, job["unit"], error.strerror))
        if self.words and self.words[0].startswith("gunicorn: "):
            refuse("%s hides its command line behind a title (the Python package setproctitle)" % job["unit"])
        begin = arguments_begin(self.words)
        if begin is None:
            refuse("the main process of %s is not Gunicorn" % job["unit"])
        self.before, self.arguments = self.words[:begin], self.words[begin:]
        if self.directory not in (job["original"], os.path.realpath(job["original"])):
            refuse("%s runs in %s, not in %s" % (job["unit"], self.directory, job["original"]))


def overrides(job: Job) -> List[Tuple[str, str]]:
    """The options of the copy that replace the original's."""
    return [
        ("--bind", "127.0.0.1:%d" % job["port"]),
        ("--workers", str(job["workers"])),
        ("--pid", job["pid_file"]),
        ("--access-logfile", job["access_log"]),
        ("--error-logfile", job["error_log"]),
        ("--chdir", job["directory"]),
    ]


def not_overridden(known: Dict[str, Any], job: Job, entry: str) -> List[str]:
    """The settings that Gunicorn takes from elsewhere than from the overrides, by name."""
    expected = {
        "args": [entry],
        "bind": ["127.0.0.1:%d" % job["port"]],
        "workers": job["workers"],
        "pidfile": job["pid_file"],
        "accesslog": job["access_log"],
        "errorlog": job["error_log"],
        "chdir": job["directory"],
        "daemon": True,
    }
    return sorted(name for name, value in expected.items() if known[name] != value)


def derived(original: Original, job: Job) -> Launch:
    """How to start the copy."""
    directory = job["directory"]

    def in_copy(text: str) -> str:
        for path in {job["original"], os.path.realpath(job["original"])}:
            text = moved(text, path, directory)
        return text

    environment = {name: in_copy(value) for name, value in original.environment.items() if name not in NOT_INHERITED}
    environment.update(file_variables(job["environment_file"]))
    search_path = original.environment.get("PATH", "")
    python = in_copy(interpreter_path(original.words[0], original.directory, search_path))
    before = [python] + [in_copy(word) for word in original.before[1:]]
    answer = parsed(python, original.arguments, environment)
    if len(answer["known"]["args"]) != 1:
        refuse("the command line of %s does not name its application (such as run:app) exactly once" % job["unit"])
    application = answer["known"]["args"][0]
    arguments = [in_copy(word) for word in without_bind(without_application(original.arguments, application))]
    for option in overrides(job):
        arguments += option
    arguments.append("--daemon")
    # From 25.1 on, two masters of one account would share ~/.gunicorn/gunicorn.ctl.
    if "--no-control-socket" in answer["options"]:
        arguments.append("--no-control-socket")
    entry = job["application"] or application
    arguments.append(entry)
    wrong = not_overridden(parsed(python, arguments, environment)["known"], job, entry)
    if wrong:
        refuse("the command line of %s does not let these be overridden: %s" % (job["unit"], ", ".join(wrong)))
    environment.update(MIGRATE_WSGI_APP=application, PWD=directory)
    return Launch(before + arguments, environment)
