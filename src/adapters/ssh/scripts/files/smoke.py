"""Imports an application as a unit's running main process would, in another directory."""

import signal

# What the interpreter is told. It answers on a descriptor of its own: what the application prints is not read.
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
# These talk to the service manager, which must not take an import for the service.
MANAGERS = ("NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC", "MAINPID")


def main_process(unit):
    """The unit's main process: its command line and its environment."""
    shows = subprocess.run(["systemctl", "show", unit, "-p", "MainPID"], stdout=subprocess.PIPE)
    pid = shows.stdout.decode("ascii", "replace").strip().partition("=")[2]
    if shows.returncode or not pid.isdecimal() or pid == "0":
        raise Refusal(CONFIGURATION, "%s has no main process: is it running?" % unit)
    try:
        words, variables = [
            [os.fsdecode(part) for part in open("/proc/%s/%s" % (pid, kind), "rb").read().split(b"\0") if part]
            for kind in ("cmdline", "environ")
        ]
    except FileNotFoundError:
        raise Refusal(PASSING, "process %s of %s went away while it was looked at" % (pid, unit))
    return pid, words, dict(variable.partition("=")[::2] for variable in variables)


def interpreter_of(pid, words, environment):
    """The interpreter as it was named: what /proc/PID/exe points at knows nothing of a virtual environment."""
    named = words[0] if words else ""
    candidates = [named] if os.path.basename(named).startswith("python") else []
    if environment.get("VIRTUAL_ENV"):
        candidates.append(os.path.join(environment["VIRTUAL_ENV"], "bin", "python"))
    for candidate in candidates:
        if os.path.isabs(candidate) and os.access(candidate, os.X_OK):
            return candidate
    named = os.readlink("/proc/%s/exe" % pid)
    if not os.path.basename(named).startswith("python"):
        raise Refusal(CONFIGURATION, "process %s runs %s, which is no Python" % (pid, shown(named)))
    return named


def module_of(words):
    """The module of the application, which Gunicorn is given last: `run` of `run:app`, `app` of `app:create_app()`."""
    last = words[-1] if words else ""
    module = last.partition(":")[0]
    if not all(part.isidentifier() for part in module.split(".")):
        raise Refusal(CONFIGURATION, "the command line does not end with an application such as run:app")
    return module


def smoke(request):
    pid, words, environment = main_process(request["unit"])
    interpreter, module = interpreter_of(pid, words, environment), module_of(words)
    directory = name_of(request["directory"])
    if not os.path.isdir(directory):
        raise Refusal(NOT_THERE, "there is no directory %s" % shown(directory))
    environment = {name: value for name, value in environment.items() if name not in MANAGERS}
    # Looking must not leave byte code behind.
    environment.update(PYTHONDONTWRITEBYTECODE="1", PWD=directory)
    answer, told = os.pipe()
    process = subprocess.Popen(
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
        code = process.wait(request["seconds"])
    except subprocess.TimeoutExpired:
        return "the import did not end within %d s" % request["seconds"]
    finally:
        # Whatever it started ends with it.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    os.set_blocking(answer, False)
    try:
        said = os.read(answer, 4096).decode("utf-8", "replace").strip()
    except BlockingIOError:
        said = ""
    if code < 0:
        return "the import crashed the interpreter (signal %d)" % -code
    if not said:
        return "the import ended the interpreter (exit code %d)" % code
    return None if said == "imported" else " ".join(said.split())[:500]


perform(smoke)
