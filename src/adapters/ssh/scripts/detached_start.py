REFUSED = 69  # EX_UNAVAILABLE: nothing of it runs
LEFT = 70  # something may run

# What systemd tells the service it started, and what Gunicorn tells the one that takes over from it.
NOT_INHERITED = (
    "NOTIFY_SOCKET LISTEN_PID LISTEN_FDS LISTEN_FDNAMES LISTEN_PIDFDID MAINPID MANAGERPID MANAGERPIDFDID PIDFILE "
    "WATCHDOG_PID WATCHDOG_USEC INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID FDSTORE MEMORY_PRESSURE_WATCH "
    "MEMORY_PRESSURE_WRITE GUNICORN_PID GUNICORN_FD OLDPWD"
).split()
SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASS", "PWD", "CREDENTIAL", "DSN", "URL", "URI", "AUTH")
PATIENCE = 60

# What the installed Gunicorn makes of a command line, by its own parser.
ASK = """
import json, sys
from gunicorn.config import Config
parser = Config(prog="gunicorn").parser()
known = vars(parser.parse_args(sys.argv[1:]))
wanted = ("args", "bind", "workers", "pidfile", "accesslog", "errorlog", "chdir", "daemon")
print(json.dumps({"options": sorted(parser._option_string_actions), "known": {name: known[name] for name in wanted}}))
"""


def refuse(message):
    fail(REFUSED, message)


def rewritten(text, original, directory):
    """Text that begins with the original's path begins with the copy's; so does the value of `--name=value`, and each
    part of a list with colons.
    """
    name, equals, value = text.partition("=")
    if equals and name.startswith("-"):
        return name + "=" + rewritten(value, original, directory)
    parts = [directory + part[len(original) :] if inside(part, original) else part for part in text.split(":")]
    return ":".join(parts)


def after_gunicorn(line):
    """Where Gunicorn's own arguments begin: after `.../gunicorn` or `-m gunicorn`."""
    for at, word in enumerate(line):
        if at > 0 and os.path.basename(word) in ("gunicorn", "gunicorn3"):
            return at + 1
        if word == "-m" and line[at + 1 : at + 2] and line[at + 1] in ("gunicorn", "gunicorn.app.wsgiapp"):
            return at + 2
    return None


def interpreter(word, cwd, path):
    """argv[0] as a path. Not /proc/PID/exe: a virtualenv is known by the name it is called by."""
    if "/" in word:
        return os.path.normpath(os.path.join(cwd, word))
    for place in path.split(":"):
        if place and os.access(os.path.join(place, word), os.X_OK):
            return os.path.join(place, word)
    return refuse("the original's interpreter `%s` is not on its PATH" % word)


def parsed(python, arguments, environment):
    """The options that Gunicorn knows, and what it takes the arguments for."""
    quiet = dict(environment, PYTHONDONTWRITEBYTECODE="1")
    command = [python, "-c", ASK] + arguments
    output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done = subprocess.run(command, cwd="/", env=quiet, **output)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        refuse("the original's Gunicorn does not understand its own command line: %s" % said[-1])
    return json.loads(done.stdout.decode())


def without_bind(arguments):
    """Gunicorn adds up `--bind`: one that is left in would be listened on as well."""
    kept = []
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word in ("--bind", "-b"):
            skip = True
        elif not word.startswith("--bind=") and not (word.startswith("-b") and not word.startswith("--")):
            kept.append(word)
    return kept


def file_variables(path):
    found = {}
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except OSError as error:
        refuse("the copy's environment file cannot be read: %s" % error.strerror)
    for number, line in enumerate(lines, 1):
        name, equals, value = line.partition(b"=")
        if not equals and line.strip():
            refuse("line %d of the copy's environment file is not NAME=VALUE" % number)
        if equals:
            found[os.fsdecode(name)] = os.fsdecode(value)
    return found


class Original:
    """The running service's main process."""

    def __init__(self, pid, job):
        if pid == 0:
            refuse("%s does not run, and the copy is made from how it runs" % job["unit"])
        try:
            self.line, self.environment, self.cwd = words(pid), variables(pid), link(pid, "cwd")
        except OSError as error:
            refuse("process %d of %s cannot be looked at: %s" % (pid, job["unit"], error.strerror))
        if self.line and self.line[0].startswith("gunicorn: "):
            refuse("%s hides its command line behind a title (the Python package setproctitle)" % job["unit"])
        self.begin = after_gunicorn(self.line)
        if self.begin is None:
            refuse("the main process of %s is no Gunicorn" % job["unit"])
        if self.cwd not in (job["original"], os.path.realpath(job["original"])):
            refuse("%s runs in %s, not in %s" % (job["unit"], self.cwd, job["original"]))


def prepared(original, job):
    """The copy's command line and its environment."""
    directory = job["directory"]

    def moved(text):
        for path in {job["original"], os.path.realpath(job["original"])}:
            text = rewritten(text, path, directory)
        return text

    environment = {name: moved(value) for name, value in original.environment.items() if name not in NOT_INHERITED}
    environment.update(file_variables(job["environment_file"]))
    python = moved(interpreter(original.line[0], original.cwd, original.environment.get("PATH", "")))
    before = [python] + [moved(word) for word in original.line[1 : original.begin]]
    arguments = original.line[original.begin :]
    answer = parsed(python, arguments, environment)
    if len(answer["known"]["args"]) != 1:
        refuse("the command line of %s does not name its application (such as run:app) exactly once" % job["unit"])
    application = answer["known"]["args"][0]
    at = len(arguments) - 1 - arguments[::-1].index(application)
    arguments = [moved(word) for word in without_bind(arguments[:at] + arguments[at + 1 :])]
    wanted = {
        "--bind": "127.0.0.1:%d" % job["port"],
        "--workers": str(job["workers"]),
        "--pid": job["pid_file"],
        "--access-logfile": job["access_log"],
        "--error-logfile": job["error_log"],
        "--chdir": directory,
    }
    for name, value in wanted.items():
        arguments += [name, value]
    arguments.append("--daemon")
    # From 25.1 on, two masters of one account would share ~/.gunicorn/gunicorn.ctl.
    if "--no-control-socket" in answer["options"]:
        arguments.append("--no-control-socket")
    entry = job["application"] or application
    arguments.append(entry)
    known = parsed(python, arguments, environment)["known"]
    expected = {
        "args": [entry],
        "bind": [wanted["--bind"]],
        "workers": job["workers"],
        "pidfile": job["pid_file"],
        "accesslog": job["access_log"],
        "errorlog": job["error_log"],
        "chdir": directory,
        "daemon": True,
    }
    wrong = sorted(name for name, value in expected.items() if known[name] != value)
    if wrong:
        refuse("the command line of %s does not let these be overridden: %s" % (job["unit"], ", ".join(wrong)))
    environment.update(MIGRATE_WSGI_APP=application, PWD=directory)
    return before + arguments, environment


def is_taken(port):
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port):
    """Whether a worker takes a connection. The master listens long before, and whether the application can be loaded
    only a worker knows. What is said is no HTTP, so that it never reaches the application.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as probe:
            probe.settimeout(2)
            probe.sendall(b"migrate\r\n\r\n")
            probe.recv(1)
            return True
    except OSError:
        return False


def tail(path, begin, environment):
    """The end of a log, from a position on, without anything that looks like a secret of the environment."""
    try:
        with open(path, "rb") as file:
            file.seek(max(begin, os.fstat(file.fileno()).st_size - 4000))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    for name, value in environment.items():
        is_secret = any(word in name.upper() for word in SECRET_WORDS) and not value.startswith("/")
        if is_secret and len(value) >= 4:
            text = text.replace(value, "[redacted]")
    return "\n".join(text.splitlines()[-25:])


def run(command, environment, job, was_stopped):
    directory, pid_file = job["directory"], job["pid_file"]
    with contextlib.suppress(FileNotFoundError):
        os.unlink(pid_file)  # of a process that is gone; Gunicorn refuses to start when its number is in use again
    logged = os.path.getsize(job["error_log"]) if os.path.exists(job["error_log"]) else 0
    said = tempfile.NamedTemporaryFile()
    output = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
    launcher = subprocess.Popen(command, cwd=directory, env=environment, start_new_session=True, **output)
    deadline = time.monotonic() + PATIENCE
    lived = time.monotonic()
    problem = "it does not answer on port %d within %d s" % (job["port"], PATIENCE)
    while time.monotonic() < deadline:
        code = launcher.poll()
        top = master(directory, pid_file, everyone())
        if top is not None:
            lived = time.monotonic()
        if code not in (None, 0) or (code == 0 and time.monotonic() - lived > 2):
            problem = "it ended right after its start"
            break
        if code == 0 and top is not None and noted(pid_file) == top and answers(job["port"]):
            return
        time.sleep(0.1)
    if launcher.poll() is None:
        launcher.kill()
        launcher.wait()
    # Only when nothing of it ran before is everything as it was.
    gone = end(directory, pid_file) and not was_stopped
    log = tail(said.name, 0, environment) + "\n" + tail(job["error_log"], logged, environment)
    fail(REFUSED if gone else LEFT, problem + "\n" + log.strip())


def runs_so(top, command, environment):
    """Whether it was started with this command line and these variables."""
    try:
        return words(top) == command and variables(top) == environment
    except OSError:
        return False  # it has just gone


job = json.loads(sys.argv[2])
with alone(job["pid_file"]):
    top = master(job["directory"], job["pid_file"], everyone())
    # Without its pid file it cannot be told from one that is half started: it makes room for a whole one.
    is_whole = top is not None and noted(job["pid_file"]) == top
    if not is_whole or job["exactly"]:
        command, environment = prepared(Original(int(sys.argv[1]), job), job)
        if not (is_whole and runs_so(top, command, environment) and answers(job["port"])):
            if top is not None and not end(job["directory"], job["pid_file"]):
                fail(LEFT, "an older process of the copy does not end, not even by force")
            if is_taken(job["port"]):
                fail(LEFT if is_whole else REFUSED, "port %d is in use by another process" % job["port"])
            run(command, environment, job, is_whole)
print("started")
