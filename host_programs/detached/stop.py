"""Program: ends a Gunicorn of ours. Arguments: the unit's main process, the directory, the pid file."""

import sys

from host_programs.detached.ending import alone, end
from host_programs.detached.processes import TEMPORARY, fail


def stop(directory: str, pid_file: str) -> None:
    """Ends all processes of the copy."""
    with alone(pid_file):
        if not end(directory, pid_file):
            fail(TEMPORARY, "processes of the copy do not end, not even by force")
    print("stopped")


if __name__ == "__main__":
    stop(sys.argv[2], sys.argv[3])
