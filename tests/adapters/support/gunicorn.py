"""Enough of Gunicorn to be started, looked at and stopped: its options, a daemon, a pid file, a log, workers that load
the application.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import sys
import time
import traceback
from typing import NoReturn


class Config:
    """The options, as `gunicorn.config.Config` gives them out."""

    def __init__(self, usage: str | None = None, prog: str | None = None) -> None:
        self.prog = prog

    def parser(self) -> argparse.ArgumentParser:
        """The parser of the command line."""
        parser = argparse.ArgumentParser(prog=self.prog)
        parser.add_argument("-c", "--config")
        parser.add_argument("-b", "--bind", action="append")
        parser.add_argument("-w", "--workers", type=int)
        parser.add_argument("-p", "--pid", dest="pidfile")
        parser.add_argument("--access-logfile", dest="accesslog")
        parser.add_argument("--error-logfile", "--log-file", dest="errorlog")
        parser.add_argument("--chdir")
        parser.add_argument("-D", "--daemon", action="store_true", default=None)
        parser.add_argument("args", nargs="*")
        return parser


def work(listener: socket.socket, application: str) -> NoReturn:
    """A worker: loads the application, then answers everything with 400."""
    sys.path.insert(0, os.getcwd())
    try:
        loaded = __import__(application.split(":")[0])
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(3)
    if not getattr(loaded, "STUBBORN", False):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        client, _ = listener.accept()
        client.recv(100)
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        client.close()


def main() -> None:
    """A master."""
    told = Config().parser().parse_args()
    host, port = told.bind[0].split(":")
    if told.daemon:
        if os.fork():
            os._exit(0)
        os.setsid()
        if os.fork():
            os._exit(0)
        null = os.open(os.devnull, os.O_RDWR)
        log = os.open(told.errorlog, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.dup2(log, 2)
        os.close(log)
        os.close(null)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    listener.listen(64)
    if told.pidfile:
        with open(told.pidfile, "w") as file:
            file.write(f"{os.getpid()}\n")
    if not told.workers:
        while True:
            time.sleep(1)
    workers = []

    def stop(*_: object) -> NoReturn:
        for worker in workers:
            os.kill(worker, signal.SIGTERM)
        for worker in workers:
            os.waitpid(worker, 0)
        os._exit(0)

    for _ in range(told.workers):
        worker = os.fork()
        if worker == 0:
            work(listener, told.args[0])
        workers.append(worker)
    signal.signal(signal.SIGTERM, stop)
    os.wait()
    for worker in workers:
        with contextlib.suppress(OSError):
            os.kill(worker, signal.SIGKILL)
    os._exit(3)
