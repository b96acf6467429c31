"""One TCP connection attempt: host, port, seconds. Says open, refused, timed_out or no_route."""

import errno
import socket
import sys

host, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
try:
    socket.create_connection((host, port), seconds).close()
    print("open")
except socket.gaierror:
    print("no_route")
except socket.timeout:
    print("timed_out")
except OSError as error:
    if error.errno == errno.ECONNREFUSED:
        print("refused")
    elif error.errno == errno.ETIMEDOUT:
        print("timed_out")
    elif error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN):
        print("no_route")
    else:
        raise
