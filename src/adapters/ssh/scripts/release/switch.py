"""Switches a running Gunicorn to another tree, without a connection refused. Safe to repeat after any interruption.

The live path is the plain directory it always was, or a link to a release. Directory and link change places in one
step (renameat2(2), RENAME_EXCHANGE), a link is replaced in one step (rename(2)); the plain directory waits among the
releases as `original`. Then USR2 makes a new master beside the old one, with the same sockets, in the tree that the
live path now names; when its workers are ready, the old one finishes what it is at, and ends.

Nothing is said until the end, so that a caller whose connection is lost does not stop it half way.
"""

NOT_SWITCHED = 69  # EX_UNAVAILABLE of sysexits.h: the tree of before serves
TAKE_OVER = "take-over"
# So long all workers have to serve, each of them the same process, before they are believed, in seconds.
STEADY = 1.0


class NotSwitched(Exception):
    """The old tree serves as before."""


class LivePath:
    """What the live path names, and how that is changed."""

    def __init__(self, site):
        self.site = site

    def name(self, tree):
        """Makes it name a tree; gives what it named before."""
        before = self.site.live_tree()
        if before != tree:
            if tree[0] == "original":
                self.name_original()
            elif before[0] == "original":
                self.leave_original(self.site.root_of(tree))
            else:
                self.point_at(self.site.root_of(tree))
        elif tree[0] == "original" and kind_of(self.site.original) == "link":
            os.unlink(self.site.original)  # The link of an exchange that was not cleaned up after.
        return before

    def name_original(self):
        original = self.site.original
        if kind_of(original) != "directory":
            raise Refusal(NOT_THERE, "the original is not at %s" % shown(original))
        exchange(self.site.live, original)
        os.unlink(original)  # It is the link now.

    def leave_original(self, root):
        original = self.site.original
        if kind_of(original) == "link":
            os.unlink(original)  # One that waited for its exchange.
        elif kind_of(original) is not None:
            raise Refusal(FOREIGN, "%s is in the way of the original" % shown(original))
        os.symlink(root, original)
        exchange(self.site.live, original)

    def point_at(self, root):
        temporary = os.path.join(self.site.releases, MARKS, "live.new")
        if os.path.lexists(temporary):
            os.unlink(temporary)
        os.symlink(root, temporary)
        State.written = True
        os.rename(temporary, self.site.live)


class Switch:
    """One switch, from whatever state an earlier attempt left."""

    def __init__(self, site, tree, patience):
        self.site, self.tree, self.patience = site, tree, patience
        self.path = LivePath(site)

    def switch(self):
        retire_interrupted(self.site)
        main = self.main()
        # A switch before this one may have come to its end but for this.
        for master in ancestors(main):
            retire(self.site, master)
        before = self.path.name(self.tree)
        for master in successors(main):
            # One that a switch to elsewhere made, or one that is not needed any more.
            if self.site.tree_of(main) == self.tree or self.site.tree_of(master) != self.tree:
                retire(self.site, master)
        if self.site.tree_of(main) == self.tree:
            return
        logged = Logged(self.site, main, self.tree)
        try:
            new = self.bring_up(main)
            self.hand_over(new)
        except NotSwitched as reason:
            if not alive(main):
                return self.taken_up()
            for master in successors(main):
                retire(self.site, master)
            self.path.name(before)
            State.written = False  # As if nothing had been tried.
            lines = logged.since()
            end = "\n".join([", and logged:"] + lines) if lines else "; it logged nothing that could be found"
            raise Refusal(NOT_SWITCHED, str(reason) + end)
        retire(self.site, main)
        if not self.is_main(new, 30):
            what = "%s does not run as the master %d that was made for it: look at `systemctl status %s`"
            raise Refusal(BROKEN, what % (self.site.unit, new, self.site.unit))
        self.until_renamed(new)

    def taken_up(self):
        """The old master has ended by itself: the service manager ends what came from it, and starts the service again
        in the tree that the live path names now.
        """
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            main = main_process(self.site.unit)
            workers = [] if main is None else workers_of(main)
            if workers and self.site.tree_of(main) == self.tree and all_serve(workers):
                return
            time.sleep(0.1)
        if self.tree[0] == "original" and main_process(self.site.unit) is None:
            return started_again(self.site)
        what = "the old master of %s ended in the middle, and the service manager has not started it anew"
        raise Refusal(PASSING, what % self.site.unit)

    def main(self):
        """The main process. One that has just changed, or is started again by the service manager, is waited for."""
        deadline = time.monotonic() + 10
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
            raise Refusal(NOT_PERMITTED, "%s runs as another account than ours" % self.site.unit)
        return main

    def bring_up(self, old):
        """USR2, and waiting until every worker of the new master serves."""
        self.clear_the_way(old)
        deadline = time.monotonic() + self.patience
        new, asked, times, steady = None, 0.0, 0, (None, 0.0)
        while time.monotonic() < deadline:
            new = next((pid for pid in successors(old) if self.site.tree_of(pid) == self.tree), None) or new
            if new is None:
                # A master that came from another one does not hear USR2 until it has noticed that the other is gone,
                # about a second later; one that has heard it ignores the next.
                if time.monotonic() - asked > 2:
                    if times == 5:
                        raise NotSwitched("process %d did not make a new master when it was asked to" % old)
                    State.written = True
                    send(old, signal.SIGUSR2)
                    asked, times = time.monotonic(), times + 1
            elif not alive(new):
                raise NotSwitched("the new master ended right after its start")
            elif not alive(old):
                break
            else:
                workers = workers_of(new)
                if workers and all_serve(workers):
                    if steady[0] != workers:
                        steady = workers, time.monotonic()
                    if time.monotonic() - steady[1] >= STEADY:
                        return new
                else:
                    steady = None, 0.0
            time.sleep(0.05)
        raise NotSwitched("the new master was not ready within %g s" % self.patience)

    def clear_the_way(self, old):
        """Takes away what earlier masters have left in the tree: the word for one of them, and pid files, whose numbers
        may be another process's by now, and then stop a new master from becoming the main one. The old master itself
        has left one here when the live path went to and fro before it had renamed it: it does not run in this tree.
        """
        root = self.site.root_of(self.tree)
        word = os.path.join(root, MARKS, TAKE_OVER)
        if os.path.lexists(word):
            os.unlink(word)
        for name in os.listdir(root):
            path = os.path.join(root, name)
            if name.endswith((".pid", ".pid.2")) and kind_of(path) == "other":
                number = noted_in(path)
                if number is not None and (number == old or "gunicorn" not in " ".join(words_of(number))):
                    os.unlink(path)

    def until_renamed(self, new):
        """Waits until the new master has renamed its pid file, which it does about a second after the old one has gone:
        until then it hears no USR2, and a file lies in the tree that is not always there. It serves all the while.
        """
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and any(
            noted_in(entry.path) == new for entry in os.scandir(self.site.live) if entry.name.endswith(".pid.2")
        ):
            time.sleep(0.1)

    def hand_over(self, new):
        """Lets the new master tell the service manager that it is the main process. The original's cannot: the old one
        then does, when it ends.
        """
        if self.tree[0] == "original":
            return
        path = os.path.join(self.site.root_of(self.tree), MARKS, TAKE_OVER)
        with open(path + ".new", "w") as file:
            file.write(str(new))
        os.rename(path + ".new", path)
        if not self.is_main(new, 10):
            raise NotSwitched("the service manager did not take the new master for the main process")

    def is_main(self, new, seconds):
        """Waits until the service manager holds it for the main process."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if main_process(self.site.unit) == new:
                return True
            time.sleep(0.1)
        return False


def noted_in(path):
    """The number in a pid file; None when there is none."""
    try:
        with open(path, "rb") as file:
            text = file.read(20).strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def locked(site, seconds):
    """One at a time. One whose caller has gone is waited for: it comes to its end."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return site.opened()
        except Refusal as refusal:
            if refusal.code != PASSING or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def started_again(site):
    """The service is down: nobody is served, so it is started, in the tree that the live path names."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    subprocess.run(["sudo", "-n", "systemctl", "reset-failed", site.unit], **pipes)  # Of too many starts in a row.
    done = subprocess.run(["sudo", "-n", "systemctl", "start", site.unit], **pipes)
    if done.returncode:
        what = "%s does not run and could not be started: `sudo -n systemctl start %s`: %s"
        raise Refusal(BROKEN, what % (site.unit, site.unit, last_line(done.stderr)))


def switch(request):
    site = Site(request)
    tree = ("original", None) if request["release"] is None else ("release", request["release"])
    state, _ = locked(site, request["patience"] + GRACE)
    live, why = site.live_tree()
    if live == "foreign":
        raise Refusal(FOREIGN, why)
    if tree[0] == "release":
        if tree[1] not in site.release_names()[0]:
            raise Refusal(NOT_THERE, "there is no whole release %s in %s" % (tree[1], shown(site.releases)))
        if not in_force(site.unit):
            raise Refusal(CONFIGURATION, "%s is not in force: make room for releases first" % path_of(site.unit))
    elif state == "missing":
        return None  # It never was anything else.
    try:
        Switch(site, tree, request["patience"]).switch()
    except Refusal as refusal:
        # Without a process there is nobody to hand over from; the way back has to work all the same.
        if tree[0] != "original" or refusal.code != NOT_THERE or main_process(site.unit) is not None:
            raise
        LivePath(site).name(tree)
        started_again(site)
    return None


perform(switch)
