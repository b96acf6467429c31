"""What every program here begins with: the request, refusals, and the directory that is ours."""

import errno
import fcntl
import json
import os
import secrets
import stat
import subprocess
import sys
import time

# Everything of ours in an owned directory is in here, the mark of whose it is included.
MARKS, OWNER, COMPLETE, PART = ".migrate", "owner", "complete", "part"
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# Exit codes, of sysexits.h where it has one.
FOREIGN, NOT_THERE, BROKEN, NO_ROOM, INPUT_OUTPUT, PASSING, CONFIGURATION = 65, 66, 70, 73, 74, 75, 78


class Refusal(Exception):
    """Why it is not done: an exit code and a sentence."""

    def __init__(self, code, sentence):
        Exception.__init__(self, sentence)
        self.code = code


class State:
    """Whether anything has been written yet, and when a sign of life was given last."""

    written = False
    seen = 0.0


def name_of(text):
    """A name from the request, as the functions of `os` take it, whatever the locale is."""
    return os.fsdecode(text.encode("utf-8"))


def shown(name):
    """A name in a sentence: one line, whatever is in it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace").replace("\n", "\\n").replace("\r", "\\r")


def still_here():
    """A sign of life now and then. Without a reader it fails: who lost the connection must not go on writing."""
    now = time.monotonic()
    if now - State.seen > 1.0:
        State.seen = now
        sys.stdout.buffer.write(b".")
        sys.stdout.buffer.flush()


def facts_of(name, directory):
    """lstat, or nothing where there is nothing."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def open_below(directory, name):
    """A directory in another; nothing where there is none, or something else."""
    try:
        return os.open(name, DIRECTORY, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise


def whose(path, rollout):
    """What stands at `path`: a state, why it is foreign, and the directory and its marks, held open."""
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "missing", None, None, None
    if stat.S_ISLNK(facts.st_mode):
        return "foreign", "%s is a symbolic link" % shown(path), None, None
    if not stat.S_ISDIR(facts.st_mode):
        return "foreign", "%s exists and is no directory" % shown(path), None, None
    root = os.open(path, DIRECTORY)
    names = os.listdir(root)
    marks = open_below(root, MARKS)
    unmarked = "%s exists without our mark %s/%s; it is somebody else's: remove it, or name another directory"
    if marks is None:
        if names:
            return "foreign", unmarked % (shown(path), MARKS, OWNER), None, None
        return "unfinished", None, root, None
    try:
        with open(os.open(OWNER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=marks), "rb") as file:
            owner = file.read(4096).decode("utf-8", "backslashreplace").strip()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):
            raise
        # A crash between making the directory and marking it, or between taking the mark away and the directory.
        if names == [MARKS] and set(os.listdir(marks)) <= {PART}:
            return "unfinished", None, root, marks
        return "foreign", unmarked % (shown(path), MARKS, OWNER), None, None
    if owner != rollout:
        return "foreign", "%s exists and belongs to the rollout `%s`" % (shown(path), shown(owner)), None, None
    whole = facts_of(COMPLETE, marks) is not None
    return "complete" if whole else "unfinished", None, root, marks


def lock(marks, path):
    """One writer at a time: one whose connection was lost may still be at work."""
    try:
        fcntl.flock(marks, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refusal(PASSING, "something is still being written in %s" % shown(path))


def write_whole(marks, directory, name, content, mode):
    """A file, whole or not at all: written under a name of ours, then renamed."""
    State.written = True
    if facts_of(PART, marks) is not None:
        os.unlink(PART, dir_fd=marks)
    part = os.open(PART, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=marks)
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(part, mode)
        os.fsync(part)
    os.rename(PART, name, src_dir_fd=marks, dst_dir_fd=directory)


def erase(directory, name):
    """Removes whatever has that name, and follows no link."""
    State.written = True
    facts = facts_of(name, directory)
    if facts is None:
        return
    if not stat.S_ISDIR(facts.st_mode):
        os.unlink(name, dir_fd=directory)
        return
    if facts.st_dev != os.fstat(directory).st_dev:
        raise Refusal(BROKEN, "another file system is mounted on %s in it: unmount it" % shown(name))
    if not facts.st_mode & stat.S_IRWXU == stat.S_IRWXU:
        handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
        os.chmod("/proc/self/fd/%d" % handle, 0o700)
        os.close(handle)
    below = os.open(name, DIRECTORY, dir_fd=directory)
    try:
        for child in os.listdir(below):
            still_here()
            erase(below, child)
    finally:
        os.close(below)
    os.rmdir(name, dir_fd=directory)


def covered(name, patterns):
    """Whether a name is volatile, as `find -name` means it: a name, or `*` and the end of one."""
    return any(name.endswith(one[1:]) if one.startswith("*") else name == one for one in patterns)


def perform(work):
    """Does it, and says how that went: an answer and `end`, or a sentence and whether anything was written."""
    try:
        answer = work(json.loads(sys.stdin.buffer.read().decode("utf-8")))
        code = 0
    except Refusal as refusal:
        code, sentence = refusal.code, str(refusal)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        busy = error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY)
        code = NO_ROOM if full else PASSING if busy else INPUT_OUTPUT
        names = [shown(name) for name in (error.filename, error.filename2) if isinstance(name, str)]
        sentence = ": ".join(names + [error.strerror or str(error)])
    except Exception as error:
        code, sentence = BROKEN, "%s: %s" % (type(error).__name__, error)
    if code:
        sys.stderr.buffer.write(sentence.encode("utf-8", "backslashreplace") + b"\n")
        sys.stderr.buffer.flush()
        sys.stdout.buffer.write(b"\nunknown\n" if State.written else b"\nclean\n")
    else:
        sys.stdout.buffer.write(b"\n" + json.dumps(answer).encode("ascii") + b"\nend\n")
    sys.stdout.buffer.flush()
    sys.exit(code)
