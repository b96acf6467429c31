"""A unit's Gunicorn: its master, masters beside it, their workers."""

import signal

# As long as a worker may take for its last request, in seconds, before it is ended by force.
GRACE = 120


def properties(unit, *names):
    """What the service manager says about a unit."""
    words = ["systemctl", "show", unit] + [word for name in names for word in ("-p", name)]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise Refusal(PASSING, "systemctl show %s: %s" % (unit, last_line(done.stderr)))
    pairs = [line.partition("=")[::2] for line in done.stdout.decode("utf-8", "replace").splitlines()]
    return dict(pairs)


def last_line(said):
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def main_process(unit):
    """What the service manager holds for the main process; nothing when that does not live."""
    text = properties(unit, "MainPID").get("MainPID", "")
    pid = int(text) if text.isdigit() else 0
    return pid if pid and alive(pid) else None


def words_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    except OSError:
        return []


def variables_of(pid):
    """The environment it was started with."""
    try:
        with open("/proc/%d/environ" % pid, "rb") as file:
            pairs = [entry.split(b"=", 1) for entry in file.read().split(b"\0") if b"=" in entry]
    except OSError:
        return {}
    return {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}


def fields_of(pid):
    """The fields of proc_pid_stat(5) after the command name."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def alive(pid):
    fields = fields_of(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X")


def parent_of(pid):
    fields = fields_of(pid)
    return int(fields[1]) if fields else 0


def ticks_of(pid):
    """When it started, in clock ticks since boot."""
    fields = fields_of(pid)
    return int(fields[19]) if fields else 0


def facts_about(pid):
    return {"pid": pid, "started_ticks": ticks_of(pid)}


def children(pid):
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [one for one in numbers if parent_of(one) == pid and alive(one)]


def came_from(pid, master):
    """Whether a process is the master that USR2 made of another. Gunicorn tells it who that was; with setproctitle,
    which writes over its environment, it says by its name what it is.
    """
    if variables_of(pid).get("GUNICORN_PID") == str(master):
        return True
    return all("".join(words_of(one)[:1]).startswith("gunicorn: master") for one in (pid, master))


def successors(master):
    """Masters that USR2 made of this one."""
    return [pid for pid in children(master) if came_from(pid, master)]


def ancestors(master):
    """Masters this one came from, the nearest first, while they are there."""
    found, pid = [], master
    while True:
        parent = parent_of(pid)
        if parent <= 1 or not came_from(pid, parent):
            return found
        found.append(parent)
        pid = parent


def workers_of(master):
    """The oldest first."""
    made = set(successors(master))
    return sorted((pid for pid in children(master) if pid not in made), key=ticks_of)


def in_releases(site):
    """Processes of Gunicorn, and whatever they started, that run in a release."""
    main, found = main_process(site.unit), []
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        if site.tree_of(pid)[0] != "release":
            continue
        line, above = [pid], parent_of(pid)
        while above > 1 and len(line) < 20:
            line.append(above)
            above = parent_of(above)
        if main in line or any("gunicorn" in " ".join(words_of(one)) for one in line):
            found.append(pid)
    return found


# Whether a worker serves ----------------------------------------------------------------------------------------------


def heartbeats(worker):
    """The files it beats on, by inode: whether they have been beaten.

    A worker beats on an unlinked temporary file (`wgunicorn-...`), and only from its loop, which it enters when the
    application is loaded. The first beat sets the file's time to the machine's uptime, long before any date; Gunicorn
    before 21 switches the file's mode between 0 and 1 instead.
    """
    found = {}
    try:
        names = os.listdir("/proc/%d/fd" % worker)
    except OSError:
        return found
    for name in names:
        path = "/proc/%d/fd/%s" % (worker, name)
        try:
            if "wgunicorn-" in os.readlink(path):
                facts = os.stat(path)
                found[facts.st_ino] = facts.st_mtime < 10**9 or stat.S_IMODE(facts.st_mode) in (0, 1)
        except OSError:
            continue
    return found


def uptime():
    with open("/proc/uptime") as file:
        return float(file.read().split()[0])


# Workers that were seen with a heartbeat file of their own: pid and start. Gunicorn closes the file when a worker whose
# application does not load ends, and the interpreter may take a while to exit after that.
WITH_HEARTBEAT = set()


def all_serve(workers):
    """Whether each of these, the oldest first, has loaded the application and waits for requests."""
    older = set()
    for worker in workers:
        beats = heartbeats(worker)
        # Before Gunicorn 22 a worker inherits the files of those before it.
        own = [beat for inode, beat in beats.items() if inode not in older]
        older |= set(beats)
        began = ticks_of(worker)
        if own:
            WITH_HEARTBEAT.add((worker, began))
        # A worker that never had the file is of another kind: one that has lived for a while is taken for ready.
        lived = uptime() - began / float(os.sysconf("SC_CLK_TCK"))
        if not (any(own) if own else lived > 15 and (worker, began) not in WITH_HEARTBEAT):
            return False
    return True


# Ending --------------------------------------------------------------------------------------------------------------


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def gone(pids, seconds):
    """Waits until none of these lives."""
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def retire(site, master, grace=GRACE):
    """Ends a master and its workers; each finishes what it is at, and takes nothing new.

    The master is stopped meanwhile: it would replace its workers, and its own patience with them (graceful_timeout,
    30 s unless told otherwise) is shorter than a request may take. Who is being ended is noted, so that whoever goes on
    after us does not take a master without workers for one that serves.
    """
    note = os.path.join(site.releases, MARKS, "retiring")
    if os.path.isdir(os.path.dirname(note)):
        with open(note + ".new", "w") as file:
            json.dump(facts_about(master), file)
        os.rename(note + ".new", note)
    send(master, signal.SIGSTOP)
    deadline = time.monotonic() + 1
    while alive(master) and fields_of(master)[:1] != [b"T"] and time.monotonic() < deadline:
        time.sleep(0.01)
    for worker in workers_of(master):
        send(worker, signal.SIGTERM if all_serve([worker]) else signal.SIGKILL)
    if not gone(workers_of(master), grace):
        for worker in workers_of(master):
            send(worker, signal.SIGKILL)
    send(master, signal.SIGTERM)
    send(master, signal.SIGCONT)
    if not gone([master], GRACE):
        send(master, signal.SIGKILL)
        gone([master], 5)
    if os.path.lexists(note):
        os.unlink(note)


def retire_interrupted(site):
    """Ends the one whose end was interrupted, if there is such a one."""
    note = os.path.join(site.releases, MARKS, "retiring")
    try:
        with open(note) as file:
            noted = json.load(file)
    except (OSError, ValueError):
        return
    if alive(noted["pid"]) and ticks_of(noted["pid"]) == noted["started_ticks"]:
        retire(site, noted["pid"])
    elif os.path.lexists(note):
        os.unlink(note)
