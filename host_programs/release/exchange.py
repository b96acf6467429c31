"""Changing what paths of a site name, and locking its releases."""

import ctypes
import os
import platform
from typing import Optional, Tuple

from host_programs.owned import ownership
from host_programs.owned_changes import lock
from host_programs.release.site import Site
from host_programs.request import BROKEN, FOREIGN, Progress, Refusal, shown

# Arguments of renameat2(2): AT_FDCWD and RENAME_EXCHANGE of the kernel's headers.
WORKING_DIRECTORY, RENAME_EXCHANGE = -100, 2
# The number of renameat2(2), by machine; the C library has had a function for it only since 2018.
SYSTEM_CALL = {"x86_64": 316, "aarch64": 276}


def can_exchange() -> bool:
    """Whether the number of renameat2(2) on this machine is known."""
    return platform.machine() in SYSTEM_CALL


def exchange(one: str, other: str) -> None:
    """Makes two paths change places, in one step."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = SYSTEM_CALL[platform.machine()]
    Progress.has_written = True
    paths = os.fsencode(one), os.fsencode(other)
    if libc.syscall(number, WORKING_DIRECTORY, paths[0], WORKING_DIRECTORY, paths[1], RENAME_EXCHANGE):
        reason = os.strerror(ctypes.get_errno())
        raise Refusal(BROKEN, "%s and %s cannot change places: %s" % (shown(one), shown(other), reason))


def open_releases(site: Site) -> Tuple[str, Optional[int]]:
    """Opens and locks the directory of releases: its state and its marks."""
    state, why, _, marks = ownership(site.releases, site.rollout)
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    if marks is not None:
        lock(marks, site.releases)
    return state, marks
