"""The request of a program and its answer: reading one, writing the other, refusals and exit codes."""

import errno
import json
import os
import sys
import time
from typing import Any, Callable, Dict

# Exit codes, of sysexits.h where it has one.
FOREIGN = 65  # EX_DATAERR
NOT_THERE = 66  # EX_NOINPUT
BROKEN = 70  # EX_SOFTWARE
NO_ROOM = 73  # EX_CANTCREAT
INPUT_OUTPUT = 74  # EX_IOERR
PASSING = 75  # EX_TEMPFAIL: the same request may succeed later
NOT_PERMITTED = 77  # EX_NOPERM
CONFIGURATION = 78  # EX_CONFIG

# Seconds between two signs of life.
PROGRESS_INTERVAL = 1.0

Request = Dict[str, Any]


class Refusal(Exception):
    """Why a request is not carried out: an exit code and a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        Exception.__init__(self, sentence)
        self.code = code


class Progress:
    """Whether this process has changed anything yet, and when it last wrote a sign of life."""

    has_written = False
    reported_at = 0.0


def name_of(text: str) -> str:
    """A name from the request, as the functions of `os` take it, whatever the locale is."""
    return os.fsdecode(text.encode("utf-8"))


def shown(name: str) -> str:
    """A name for a sentence: one line, whatever characters are in it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace").replace("\n", "\\n").replace("\r", "\\r")


def report_progress() -> None:
    """Writes a sign of life, at most once a second.

    It fails when the reader is gone: a process whose caller has lost the connection must not continue to write.
    """
    now = time.monotonic()
    if now - Progress.reported_at > PROGRESS_INTERVAL:
        Progress.reported_at = now
        sys.stdout.buffer.write(b".")
        sys.stdout.buffer.flush()


def exit_code_of(error: OSError) -> int:
    """The exit code for an error of the operating system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NO_ROOM
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
        return PASSING
    return INPUT_OUTPUT


def sentence_of(error: OSError) -> str:
    """An error of the operating system as a sentence: the paths it is about, and the reason."""
    names = [shown(name) for name in (error.filename, error.filename2) if isinstance(name, str)]
    return ": ".join([*names, error.strerror or str(error)])


def perform(work: Callable[[Request], Any]) -> None:
    """Reads the request, carries it out, writes the answer, and exits.

    On success standard output ends with the answer in JSON and `end`. On failure a sentence is on standard error, and
    standard output ends with `clean`, when nothing has been changed, or `unknown`.
    """
    answer, code, sentence = None, 0, ""
    try:
        answer = work(json.loads(sys.stdin.buffer.read().decode("utf-8")))
    except Refusal as refusal:
        code, sentence = refusal.code, str(refusal)
    except OSError as error:
        code, sentence = exit_code_of(error), sentence_of(error)
    except Exception as error:
        code, sentence = BROKEN, "%s: %s" % (type(error).__name__, error)
    if code:
        sys.stderr.buffer.write(sentence.encode("utf-8", "backslashreplace") + b"\n")
        sys.stderr.buffer.flush()
        sys.stdout.buffer.write(b"\nunknown\n" if Progress.has_written else b"\nclean\n")
    else:
        sys.stdout.buffer.write(b"\n" + json.dumps(answer).encode("ascii") + b"\nend\n")
    sys.stdout.buffer.flush()
    sys.exit(code)
