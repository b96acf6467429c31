"""Where an application and its releases are, and which tree a path or a process is in. Changes nothing."""

import os
import stat
from typing import List, Optional, Tuple

from host_programs.owned import MARKS, ownership
from host_programs.paths import is_inside
from host_programs.proc import path_of
from host_programs.request import Request, name_of, shown

SHARED, ORIGINAL, WHOLE, MADE = "shared", "original", "whole", "made"

# `("original", None)`, `("release", NAME)`, or `("foreign", WHAT)`.
Tree = Tuple[str, Optional[str]]
ORIGINAL_TREE: Tree = ("original", None)


def kind_of(path: str) -> Optional[str]:
    """`directory`, `link` or `other`; None when nothing has that path."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return "directory" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "other"


def leads_to(path: str, target: str) -> bool:
    """Whether a path is a link with this target."""
    return kind_of(path) == "link" and os.readlink(path) == target


def owned_state(path: str, rollout: str) -> Tuple[str, Optional[str]]:
    """What is at a path, and why it is foreign if it is. Nothing is held open."""
    state, why, root, marks = ownership(path, rollout)
    for handle in (root, marks):
        if handle is not None:
            os.close(handle)
    return state, why


class Site:
    """One application: its live path, the directory of its releases, its unit, and its volatile names."""

    def __init__(self, request: Request) -> None:
        self.live, self.releases = name_of(request["live"]), name_of(request["releases"])
        self.rollout, self.unit = request["rollout"], request["unit"]
        self.volatile = [name_of(one) for one in request["volatile"]]
        self.original = os.path.join(self.releases, ORIGINAL)
        self.shared = os.path.join(self.releases, SHARED)

    def root_of(self, tree: Tree) -> str:
        """Where a tree of ours is."""
        if tree[0] == "release":
            return os.path.join(self.releases, tree[1])
        return self.live if kind_of(self.live) == "directory" else self.original

    def live_tree(self) -> Tree:
        """The tree that the live path names."""
        kind = kind_of(self.live)
        if kind == "directory":
            return ORIGINAL_TREE
        if kind != "link":
            return "foreign", "there is no directory %s" % shown(self.live)
        target = os.readlink(self.live)
        parent, name = os.path.split(target)
        if parent == self.releases and name not in (SHARED, ORIGINAL, MARKS):
            return "release", name
        return "foreign", "%s is a link to %s, which is not a release of ours" % (shown(self.live), shown(target))

    def has_original(self) -> bool:
        """Whether the original exists."""
        return kind_of(self.root_of(ORIGINAL_TREE)) == "directory"

    def tree_of(self, pid: int) -> Tree:
        """The tree that a process runs in."""
        try:
            path = path_of(pid, "cwd")
        except OSError:
            return "foreign", "a process that has ended"
        releases = os.path.realpath(self.releases)
        if is_inside(path, releases):
            name = path[len(releases) + 1 :].split("/")[0]
            if name == ORIGINAL:
                return ORIGINAL_TREE
            if name not in ("", SHARED, MARKS):
                return "release", name
        elif kind_of(self.live) == "directory" and is_inside(path, os.path.realpath(self.live)):
            return ORIGINAL_TREE
        return "foreign", path

    def volatile_names(self) -> List[str]:
        """The names that releases share.

        A name with a wildcard is one of files, which stay with their tree, as does the byte code of a tree's modules.
        """
        return [one for one in self.volatile if not one.startswith("*") and one not in ("__pycache__", MARKS)]

    def in_place(self) -> List[str]:
        """Volatile directories at the top of the original that have not been replaced by links.

        Those further below stay with their tree: a release has them empty.
        """
        root = self.root_of(ORIGINAL_TREE)
        return [one for one in self.volatile_names() if kind_of(os.path.join(root, one)) == "directory"]

    def shared_names(self) -> List[str]:
        """The directories in `shared`."""
        if kind_of(self.shared) != "directory":
            return []
        return sorted(one for one in os.listdir(self.shared) if kind_of(os.path.join(self.shared, one)) == "directory")

    def release_names(self) -> Tuple[List[str], List[str]]:
        """The releases of ours: those that are whole, and the others."""
        whole: List[str] = []
        begun: List[str] = []
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

    def foreign_names(self) -> List[str]:
        """What is in the directory of releases and is not ours."""
        known = {SHARED, ORIGINAL, MARKS}.union(*self.release_names())
        return [one for one in os.listdir(self.releases) if one not in known]
