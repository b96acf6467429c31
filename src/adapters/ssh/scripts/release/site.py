"""Where an application and its releases lie, and which tree a path or a process is in."""

import ctypes
import platform

NOT_PERMITTED = 77  # EX_NOPERM of sysexits.h
SHARED, ORIGINAL, WHOLE, MADE = "shared", "original", "whole", "made"
RENAME_EXCHANGE, HERE = 2, -100
# The number of renameat2(2); the C library has had a function for it only since 2018.
SYSCALL = {"x86_64": 316, "aarch64": 276}


def exchange(one, other):
    """Two paths change places, in one step."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = SYSCALL[platform.machine()]
    State.written = True
    if libc.syscall(number, HERE, os.fsencode(one), HERE, os.fsencode(other), RENAME_EXCHANGE):
        reason = os.strerror(ctypes.get_errno())
        raise Refusal(BROKEN, "%s and %s cannot change places: %s" % (shown(one), shown(other), reason))


def kind_of(path):
    """`directory`, `link`, `other`, or nothing where there is nothing."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return "directory" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "other"


def leads_to(path, target):
    return kind_of(path) == "link" and os.readlink(path) == target


def owned_state(path, rollout):
    """What stands at a path: a state, and why it is foreign."""
    state, why, root, marks = whose(path, rollout)
    for handle in (root, marks):
        if handle is not None:
            os.close(handle)
    return state, why


def inside(path, directory):
    return path == directory or path.startswith(directory + "/")


class Site:
    """One application. A tree is `("original", None)`, `("release", name)` or `("foreign", what)`."""

    def __init__(self, request):
        self.live, self.releases = name_of(request["live"]), name_of(request["releases"])
        self.rollout, self.unit = request["rollout"], request["unit"]
        self.volatile = [name_of(one) for one in request["volatile"]]
        self.original = os.path.join(self.releases, ORIGINAL)
        self.shared = os.path.join(self.releases, SHARED)

    def root_of(self, tree):
        """Where a tree of ours lies."""
        if tree[0] == "release":
            return os.path.join(self.releases, tree[1])
        return self.live if kind_of(self.live) == "directory" else self.original

    def live_tree(self):
        """What the live path names."""
        kind = kind_of(self.live)
        if kind == "directory":
            return "original", None
        if kind != "link":
            return "foreign", "there is no directory %s" % shown(self.live)
        leads = os.readlink(self.live)
        parent, name = os.path.split(leads)
        if parent == self.releases and name not in (SHARED, ORIGINAL, MARKS):
            return "release", name
        return "foreign", "%s is a link to %s, which is no release of ours" % (shown(self.live), shown(leads))

    def has_original(self):
        return kind_of(self.root_of(("original", None))) == "directory"

    def tree_of(self, pid):
        """The tree a process runs in."""
        try:
            path = os.readlink("/proc/%d/cwd" % pid)
        except OSError:
            return "foreign", "a process that has gone"
        mark = " (deleted)"  # what the kernel adds to a path that no longer exists
        path = path[: -len(mark)] if path.endswith(mark) else path
        releases = os.path.realpath(self.releases)
        if inside(path, releases):
            name = path[len(releases) + 1 :].split("/")[0]
            if name == ORIGINAL:
                return "original", None
            if name not in ("", SHARED, MARKS):
                return "release", name
        elif kind_of(self.live) == "directory" and inside(path, os.path.realpath(self.live)):
            return "original", None
        return "foreign", path

    def volatile_names(self):
        """The names that releases share. A name with a wildcard is one of files, which stay with their tree, as does
        what Python makes of a tree's own modules.
        """
        return [one for one in self.volatile if not one.startswith("*") and one not in ("__pycache__", MARKS)]

    def in_place(self):
        """Volatile directories at the top of the original that are still at their own place. Those further below stay
        with their tree: a release has them empty.
        """
        root = self.root_of(("original", None))
        return [one for one in self.volatile_names() if kind_of(os.path.join(root, one)) == "directory"]

    def shared_names(self):
        """What lies in `shared`."""
        if kind_of(self.shared) != "directory":
            return []
        return sorted(one for one in os.listdir(self.shared) if kind_of(os.path.join(self.shared, one)) == "directory")

    def release_names(self):
        """Releases of ours: those that are whole, and the others."""
        whole, begun = [], []
        if kind_of(self.releases) != "directory":
            return whole, begun
        for name in sorted(os.listdir(self.releases)):
            path = os.path.join(self.releases, name)
            if name in (SHARED, ORIGINAL, MARKS) or kind_of(path) != "directory":
                continue
            state, _ = owned_state(path, self.rollout)
            if state != "foreign":
                is_whole = state == "complete" and kind_of(os.path.join(path, MARKS, WHOLE)) is not None
                (whole if is_whole else begun).append(name)
        return whole, begun

    def strangers(self):
        """What lies in the directory of releases and is not ours."""
        known = {SHARED, ORIGINAL, MARKS}.union(*self.release_names())
        return [one for one in os.listdir(self.releases) if one not in known]

    def opened(self):
        """The directory of releases, locked: its state and its marks."""
        state, why, _, marks = whose(self.releases, self.rollout)
        if state == "foreign":
            raise Refusal(FOREIGN, why)
        if marks is not None:
            lock(marks, self.releases)
        return state, marks
