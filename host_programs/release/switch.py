"""Program: switches a running Gunicorn to another tree without a refused connection. Safe to repeat after any
interruption.

The live path is the plain directory that it always was, or a link to a release. Directory and link change places in one
step (renameat2(2), RENAME_EXCHANGE), a link is replaced in one step (rename(2)); the plain directory waits among the
releases as `original`. Then USR2 makes a new master beside the old one, with the same sockets, in the tree that the
live path now names; when its workers are ready, the old one finishes its requests, and ends.

Nothing is printed until the end, so that a caller whose connection is lost does not stop it half way.
"""

import os
import signal
import subprocess
import time
from typing import Optional, Tuple

from host_programs.owned import MARKS
from host_programs.release.drop_in import drop_in_path, is_in_force
from host_programs.release.exchange import open_releases
from host_programs.release.live_path import LivePath
from host_programs.release.log_excerpt import LogExcerpt
from host_programs.release.processes import (
    ancestors_of,
    is_running,
    last_line,
    main_process,
    successors_of,
    words_of,
    workers_of,
)
from host_programs.release.retirement import GRACE, retire, retire_interrupted, send
from host_programs.release.serving import all_serve
from host_programs.release.site import ORIGINAL_TREE, Site, Tree, kind_of
from host_programs.request import (
    BROKEN,
    CONFIGURATION,
    FOREIGN,
    NOT_PERMITTED,
    NOT_THERE,
    PASSING,
    Progress,
    Refusal,
    Request,
    perform,
    shown,
)

NOT_SWITCHED = 69  # EX_UNAVAILABLE of sysexits.h: the previous tree serves
TAKE_OVER = "take-over"
# Seconds that all workers have to serve, each of them the same process, before they count as ready.
STEADY_TIME = 1.0
# Seconds until the service manager has to know a main process: one that starts, one that takes over, and one whose
# predecessor has ended.
MAIN_TIMEOUT = 10
HAND_OVER_TIMEOUT = 10
RETIRED_TIMEOUT = 30
# Seconds until a new master has to rename its pid file.
RENAME_TIMEOUT = 3
# Seconds between two USR2, and how many are sent.
SIGNAL_INTERVAL = 2
MAX_SIGNALS = 5


class NotSwitched(Exception):
    """The previous tree serves as before."""


class Switch:
    """One switch, from whatever state an earlier attempt left. `patience` is in seconds."""

    def __init__(self, site: Site, tree: Tree, patience: float) -> None:
        self.site, self.tree, self.patience = site, tree, patience
        self.path = LivePath(site)

    def switch(self) -> None:
        """Switches, or returns at once when the unit runs in the tree."""
        retire_interrupted(self.site)
        main = self.main()
        # An earlier switch may have come to its end but for this.
        for master in ancestors_of(main):
            retire(self.site, master)
        before = self.path.name(self.tree)
        for master in successors_of(main):
            # One that a switch to elsewhere made, or one that is not needed any more.
            if self.site.tree_of(main) == self.tree or self.site.tree_of(master) != self.tree:
                retire(self.site, master)
        if self.site.tree_of(main) == self.tree:
            return
        excerpt = LogExcerpt(self.site, main, self.tree)
        try:
            new = self.bring_up(main)
            self.hand_over(new)
        except NotSwitched as reason:
            if not is_running(main):
                self.wait_for_restart()
                return
            for master in successors_of(main):
                retire(self.site, master)
            self.path.name(before)
            Progress.has_written = False  # Everything is as it was.
            lines = excerpt.lines()
            end = "\n".join([", and logged:", *lines]) if lines else "; it logged nothing that could be found"
            raise Refusal(NOT_SWITCHED, str(reason) + end) from None
        retire(self.site, main)
        if not self.is_main(new, RETIRED_TIMEOUT):
            what = "%s does not run as the master %d that was made for it: look at `systemctl status %s`"
            raise Refusal(BROKEN, what % (self.site.unit, new, self.site.unit))
        self.wait_until_renamed(new)

    def wait_for_restart(self) -> None:
        """Waits until the unit serves in the tree, after the old master has ended by itself.

        The service manager then ends what came from it, and starts the service again in the tree that the live path
        names now.
        """
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            main = main_process(self.site.unit)
            workers = [] if main is None else workers_of(main)
            if workers and self.site.tree_of(main) == self.tree and all_serve(workers):
                return
            time.sleep(0.1)
        if self.tree[0] == "original" and main_process(self.site.unit) is None:
            start_service(self.site)
            return
        what = "the old master of %s ended during the switch, and the service manager has not started it again"
        raise Refusal(PASSING, what % self.site.unit)

    def main(self) -> int:
        """The main process. One that is being started again by the service manager is waited for."""
        deadline = time.monotonic() + MAIN_TIMEOUT
        while True:
            main = main_process(self.site.unit)
            if main is not None:
                break
            if time.monotonic() > deadline:
                raise Refusal(NOT_THERE, "%s does not run" % self.site.unit)
            time.sleep(0.1)
        try:
            os.kill(main, 0)
        except PermissionError:
            raise Refusal(NOT_PERMITTED, "%s runs as another account than ours" % self.site.unit) from None
        return main

    def bring_up(self, old: int) -> int:
        """Makes a new master by USR2, and waits until every worker of it serves."""
        self.clear_the_way(old)
        deadline = time.monotonic() + self.patience
        new, asked, times, steady = None, 0.0, 0, (None, 0.0)
        while time.monotonic() < deadline:
            new = next((pid for pid in successors_of(old) if self.site.tree_of(pid) == self.tree), None) or new
            if new is None:
                # A master that came from another one does not hear USR2 until it has noticed that the other has ended,
                # about a second later; one that has heard it ignores the next.
                if time.monotonic() - asked > SIGNAL_INTERVAL:
                    if times == MAX_SIGNALS:
                        raise NotSwitched("process %d did not make a new master when it was asked to" % old)
                    Progress.has_written = True
                    send(old, signal.SIGUSR2)
                    asked, times = time.monotonic(), times + 1
            elif not is_running(new):
                raise NotSwitched("the new master ended right after its start")
            elif not is_running(old):
                break
            else:
                workers = workers_of(new)
                if workers and all_serve(workers):
                    if steady[0] != workers:
                        steady = workers, time.monotonic()
                    if time.monotonic() - steady[1] >= STEADY_TIME:
                        return new
                else:
                    steady = None, 0.0
            time.sleep(0.05)
        raise NotSwitched("the new master was not ready within %g s" % self.patience)

    def clear_the_way(self, old: int) -> None:
        """Removes what earlier masters have left in the tree: a note to take over, and stale pid files.

        The number in a stale pid file may be another process's by now, and then stops a new master from becoming the
        main one. The old master itself has left one here when the live path was switched twice before it had renamed
        it: it does not run in this tree.
        """
        root = self.site.root_of(self.tree)
        note = os.path.join(root, MARKS, TAKE_OVER)
        if os.path.lexists(note):
            os.unlink(note)
        for name in os.listdir(root):
            path = os.path.join(root, name)
            if name.endswith((".pid", ".pid.2")) and kind_of(path) == "other":
                number = noted_in(path)
                if number is not None and (number == old or "gunicorn" not in " ".join(words_of(number))):
                    os.unlink(path)

    def wait_until_renamed(self, new: int) -> None:
        """Waits until the new master has renamed its pid file, about a second after the old one has ended.

        Until then it does not hear USR2, and the tree has a file that is not always there. It serves all the while.
        """
        deadline = time.monotonic() + RENAME_TIMEOUT
        while time.monotonic() < deadline and any(
            noted_in(entry.path) == new for entry in os.scandir(self.site.live) if entry.name.endswith(".pid.2")
        ):
            time.sleep(0.1)

    def hand_over(self, new: int) -> None:
        """Lets the new master tell the service manager that it is the main process.

        The original's cannot: there the old one does, when it ends.
        """
        if self.tree[0] == "original":
            return
        path = os.path.join(self.site.root_of(self.tree), MARKS, TAKE_OVER)
        with open(path + ".new", "w") as file:
            file.write(str(new))
        os.rename(path + ".new", path)
        if not self.is_main(new, HAND_OVER_TIMEOUT):
            raise NotSwitched("the service manager did not take the new master for the main process")

    def is_main(self, new: int, seconds: float) -> bool:
        """Waits until the service manager takes a process for the main one; whether that is so in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if main_process(self.site.unit) == new:
                return True
            time.sleep(0.1)
        return False


def noted_in(path: str) -> Optional[int]:
    """The number in a pid file; None when there is none."""
    try:
        with open(path, "rb") as file:
            text = file.read(20).strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def wait_for_releases(site: Site, seconds: float) -> Tuple[str, Optional[int]]:
    """Locks the releases. A switch whose caller has lost its connection is waited for: it comes to its end."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return open_releases(site)
        except Refusal as refusal:
            if refusal.code != PASSING or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def start_service(site: Site) -> None:
    """Starts the service, which is down and serves no user, in the tree that the live path names."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    subprocess.run(["sudo", "-n", "systemctl", "reset-failed", site.unit], **pipes)  # Of too many starts in a row.
    done = subprocess.run(["sudo", "-n", "systemctl", "start", site.unit], **pipes)
    if done.returncode:
        what = "%s does not run and could not be started: `sudo -n systemctl start %s`: %s"
        raise Refusal(BROKEN, what % (site.unit, site.unit, last_line(done.stderr)))


def switch(request: Request) -> None:
    """Switches the site to `release`, or to the original when that is null."""
    site = Site(request)
    tree = ORIGINAL_TREE if request["release"] is None else ("release", request["release"])
    state, _ = wait_for_releases(site, request["patience"] + GRACE)
    live, why = site.live_tree()
    if live == "foreign":
        raise Refusal(FOREIGN, why)
    if tree[0] == "release":
        if tree[1] not in site.release_names()[0]:
            raise Refusal(NOT_THERE, "there is no whole release %s in %s" % (tree[1], shown(site.releases)))
        if not is_in_force(site.unit):
            raise Refusal(CONFIGURATION, "%s is not in force: make room for releases first" % drop_in_path(site.unit))
    elif state == "missing":
        return  # It never was anything else.
    try:
        Switch(site, tree, request["patience"]).switch()
    except Refusal as refusal:
        # Without a process there is none to hand over from; the rollback has to work all the same.
        if tree[0] != "original" or refusal.code != NOT_THERE or main_process(site.unit) is not None:
            raise
        LivePath(site).name(tree)
        start_service(site)


if __name__ == "__main__":
    perform(switch)
