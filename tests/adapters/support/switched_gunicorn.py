"""Enough of Gunicorn to be switched: workers that beat when the application is loaded, USR2, TERM, and the word to the
service manager about the main process, which is a file here.
"""

import os
import signal
import sys
import tempfile
import time
import traceback
from typing import Callable, NoReturn

WORKERS = 2
predecessor = int(os.environ.get("GUNICORN_PID", "0"))
log = open(os.environ["ERROR_LOG"], "a", 1)  # noqa: SIM115
asked = []
for number in (signal.SIGUSR2, signal.SIGTERM):
    signal.signal(number, lambda number, _: asked.append(number))


def is_main(pid: int) -> None:
    """Says which process is the main one."""
    with open(os.environ["MAIN_FILE"] + ".new", "w") as file:
        file.write(f"{pid}\n")
    os.rename(file.name, os.environ["MAIN_FILE"])


def work() -> NoReturn:
    """A worker: beats once the application is loaded."""
    for number in (signal.SIGUSR2, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    beat, name = tempfile.mkstemp(prefix="wgunicorn-")
    os.unlink(name)
    try:
        with open("run.py") as file:
            exec(file.read(), {})
    except BaseException:
        traceback.print_exc(file=log)
        os._exit(3)
    while True:
        os.utime(beat, (time.monotonic(),) * 2)
        time.sleep(0.05)


def forked(what: Callable[[], NoReturn]) -> int:
    """Runs it in a process of its own."""
    pid = os.fork()
    if pid == 0:
        what()
    return pid


def again() -> NoReturn:
    """A new master, in the tree that the live path names now."""
    os.chdir(os.environ["LIVE"])
    environment = dict(os.environ, GUNICORN_PID=str(os.getppid()))
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


workers, successor, told = [forked(work) for _ in range(WORKERS)], 0, False
if predecessor == 0:
    is_main(os.getpid())
while True:
    while asked:
        if asked.pop() == signal.SIGUSR2:
            successor = successor or forked(again)
            continue
        for worker in workers:
            os.kill(worker, signal.SIGTERM)
        if successor:
            is_main(successor)
        os._exit(0)
    try:
        gone, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        gone = 0
    if gone and gone == successor:
        successor = 0
    elif gone:
        os._exit(3)
    if predecessor and not told and os.path.exists(".migrate/take-over"):
        told = True
        is_main(os.getpid())
    time.sleep(0.02)
