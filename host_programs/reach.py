"""Program: tries one TCP connection and prints `open`, `refused`, `timed_out` or `no_route`.

Arguments: host, port, seconds.
"""

import errno
import socket
import sys

UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


def word_for(error: OSError) -> str:
    """The answer for a failed attempt. An error of another kind is raised again."""
    if isinstance(error, socket.gaierror):
        return "no_route"
    if isinstance(error, socket.timeout) or error.errno == errno.ETIMEDOUT:
        return "timed_out"
    if error.errno == errno.ECONNREFUSED:
        return "refused"
    if error.errno in UNREACHABLE:
        return "no_route"
    raise error


def reach(host: str, port: int, seconds: float) -> str:
    """The answer of one attempt, with every address that the host's name has."""
    try:
        socket.create_connection((host, port), seconds).close()
        return "open"
    except OSError as error:
        return word_for(error)


if __name__ == "__main__":
    print(reach(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
