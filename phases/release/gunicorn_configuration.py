"""Gunicorn's configuration of a release: the application's own, then the session bridge and a word to systemd.

It stands in the release under the name that Gunicorn's command line gives (`gunicorn.conf.py`), so that neither the
command line nor the unit has to change. The application's own file, when it has one, lies beside it as
`.migrate/gunicorn.original.py` and is read first: its settings and hooks stay.

Why systemd is told: `USR2` makes a new master beside the old one. When the old one, which systemd holds for the main
process, ends, systemd would end the new one too. `MAINPID=` names the new one (sd_notify(3)). The new master says it,
which takes `NotifyAccess=all`, and only when whoever made it has seen that it serves and leaves its number in
`.migrate/take-over`: a main process that fails to start would take the old one with it. An old master of ours says it
too, when it ends: who follows may be the application without this file.
"""

import os
import socket
import sys
import threading
import time
import types
from pathlib import Path

_file = Path(__file__).resolve()
# The configuration may stand below the tree's root.
_release = next((above for above in _file.parents if (above / ".migrate").is_dir()), _file.parent)
_original = _release / ".migrate" / "gunicorn.original.py"
_environment = _release / ".migrate" / "environment"
_live = _release / ".migrate" / "live"
_workers = _release / ".migrate" / "workers"
_take_over = _release / ".migrate" / "take-over"

# What this process was started with. A module outlives a reload, which reads this file again.
_first = sys.modules.setdefault("migrate_first_environment", types.ModuleType("migrate_first_environment"))
if not hasattr(_first, "variables"):
    _first.variables = dict(os.environ)

if _original.exists():
    exec(compile(_original.read_bytes(), str(_original), "exec"))  # as Gunicorn itself would

# A new master changes to the directory its predecessor remembers. Remembered by its link, it finds the next release
# there; by the link's target, it would find this one for ever. Gunicorn prefers PWD when it is the same directory.
if _live.exists():
    _below = os.path.relpath(os.getcwd(), _release)
    if not _below.startswith(".."):
        os.environ["PWD"] = os.path.normpath(os.path.join(_live.read_text().strip(), _below))
if _environment.exists():
    for _line in _environment.read_text().splitlines():
        if "=" in _line:
            _name, _value = _line.split("=", 1)
            os.environ[_name] = _value


def _tell_systemd(pid):
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.connect("\0" + address[1:] if address.startswith("@") else address)
            channel.sendall(b"MAINPID=%d\nREADY=1" % pid)


def _await_take_over(server):
    """Once this master is told to take over, systemd is. A service that systemd started is its main process anyway."""

    def wait():
        # For as long as its predecessor lives: whoever made it may have been interrupted, and come back hours later.
        while os.getppid() == predecessor:
            try:
                if int(_take_over.read_text()) == os.getpid():
                    _tell_systemd(os.getpid())
                    return
            except (OSError, ValueError):
                pass
            time.sleep(0.1)

    predecessor = getattr(server, "master_pid", 0)
    if predecessor:
        threading.Thread(target=wait, name="migrate-take-over", daemon=True).start()


def _after(name, ours):
    """Our hook, after the application's own."""
    theirs = globals().get(name)

    # Gunicorn counts the arguments of a hook: all of these take one.
    def both(subject):
        if theirs is not None:
            theirs(subject)
        ours(subject)

    return both


def _set_workers(server):
    """The command line's number comes after this file's, so it is changed when all have been read. A reload starts as
    many new workers as the setting says, and then ends old ones until there are as many as the server wants.
    """
    try:
        number = int(_workers.read_text())
    except (OSError, ValueError):
        return
    server.cfg.set("workers", number)
    server.num_workers = number


def _as_before_us(server):
    """A successor starts with the environment that this master found, and not with ours: it may be the application
    without this file.
    """
    server.cfg.env_orig = dict(_first.variables)


def _install_bridge(worker):
    from migrate_sessions.gunicorn_hook import post_worker_init as install

    install(worker)


on_starting = _after("on_starting", _set_workers)
on_reload = _after("on_reload", _set_workers)
when_ready = _after("when_ready", _await_take_over)
pre_exec = _after("pre_exec", _as_before_us)
on_exit = _after("on_exit", lambda server: server.reexec_pid and _tell_systemd(server.reexec_pid))
if (_release / "migrate_sessions").is_dir():
    post_worker_init = _after("post_worker_init", _install_bridge)
