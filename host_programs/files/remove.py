"""Program: removes a directory that the rollout owns.

The mark is removed last, so that what a crash leaves is still the rollout's.
"""

import os

from host_programs.owned import COMPLETE, MARKS, OWNER, ownership
from host_programs.owned_changes import erase, lock
from host_programs.request import FOREIGN, Progress, Refusal, Request, name_of, perform


def remove(request: Request) -> None:
    """Removes `to`, and nothing beside it."""
    path = name_of(request["to"])
    state, why, root, marks = ownership(path, request["rollout"])
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    if state == "missing":
        return
    Progress.has_written = True
    os.fchmod(root, 0o700)
    if marks is not None:
        lock(marks, path)
        erase(marks, COMPLETE)
        for name in os.listdir(root):
            if name != MARKS:
                erase(root, name)
        for name in os.listdir(marks):
            if name != OWNER:
                erase(marks, name)
        erase(marks, OWNER)
        os.rmdir(MARKS, dir_fd=root)
    os.rmdir(path)


if __name__ == "__main__":
    perform(remove)
