"""Opening a session file only if the application itself must have written it: unpickling runs what the file says."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, Optional


class Untrusted(Exception):
    """There is a file, but somebody else may have written it. The message says why."""


def open_trusted(path: Path, writable: bool = False) -> Optional[BinaryIO]:
    """Opens a file for reading, and perhaps for changing it; None if there is none.

    Everything is asked of the open file, so nobody can exchange it between the question and the reading.
    """
    try:
        # A link is not followed, and a pipe does not make us wait.
        access = os.O_RDWR if writable else os.O_RDONLY
        descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Untrusted(f"cannot be opened ({type(error).__name__}, {os.strerror(error.errno or 0)})") from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise Untrusted("is not a regular file")
        if state.st_uid != os.geteuid():
            raise Untrusted(f"belongs to user {state.st_uid}, this process is user {os.geteuid()}")
        if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise Untrusted("can be written by other users")
        return os.fdopen(descriptor, "r+b" if writable else "rb")
    except BaseException:
        os.close(descriptor)
        raise
