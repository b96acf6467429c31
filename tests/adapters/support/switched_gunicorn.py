"""Enough of Gunicorn to be switched: workers that beat when the application is loaded, USR2, TERM, and the word to the
service manager about the main process, which is a file here."""

import os
import signal
import sys
import tempfile
import time
import traceback

WORKERS = 2
predecessor = int(os.environ.get("GUNICORN_PID", "0"))
log = open(os.environ["ERROR_LOG"], "a", 1)
asked = []
for number in (signal.SIGUSR2, signal.SIGTERM):
    signal.signal(number, lambda number, _: asked.append(number))


def is_main(pid):
    with open(os.environ["MAIN_FILE"] + ".new", "w") as file:
        file.write("%d\n" % pid)
    os.rename(file.name, os.environ["MAIN_FILE"])


def work():
    for number in (signal.SIGUSR2, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    beat, name = tempfile.mkstemp(prefix="wgunicorn-")
    os.unlink(name)
    try:
        exec(open("run.py").read(), {})
    except BaseException:
        traceback.print_exc(file=log)
        os._exit(3)
    while True:
        os.utime(beat, (time.monotonic(),) * 2)
        time.sleep(0.05)


def forked(what):
    pid = os.fork()
    if pid == 0:
        what()
    return pid


def again():
    os.chdir(os.environ["LIVE"])
    environment = dict(os.environ, GUNICORN_PID=str(os.getppid()))
    os.execve(sys.executable, [sys.executable] + sys.argv, environment)


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
