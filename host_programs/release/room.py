"""Program: makes room for releases beside a live tree, and removes it again. Both resume after any interruption."""

import errno
import os
import stat
from typing import List, Optional

from host_programs.owned import COMPLETE, DIRECTORY, MARKS, OWNER, facts_of, is_volatile, ownership
from host_programs.owned_changes import erase, lock, write_whole
from host_programs.release.drop_in import drop_in_path, is_in_force
from host_programs.release.drop_in_changes import has_drop_in, put_drop_in, remove_drop_in, require_allowed
from host_programs.release.exchange import can_exchange, exchange, open_releases
from host_programs.release.processes import in_releases, main_process, properties, variables_of
from host_programs.release.site import MADE, ORIGINAL_TREE, Site, kind_of, leads_to
from host_programs.request import (
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

# How many links that lead out of the tree are named in a message.
MAX_NAMED = 3


def require_possible(site: Site) -> None:
    """Refuses whatever would be in the way later, before anything is written."""
    tree, why = site.live_tree()
    if tree == "foreign":
        raise Refusal(FOREIGN, why)
    if not site.has_original():
        raise Refusal(NOT_THERE, "%s is a link, and the directory it replaced does not exist" % shown(site.live))
    if not can_exchange():
        raise Refusal(CONFIGURATION, "renameat2(2) on %s is not known" % os.uname().machine)
    origin = site.root_of(ORIGINAL_TREE)
    device = os.lstat(origin).st_dev
    others = [os.path.dirname(site.live)] + [os.path.join(origin, one) for one in site.in_place()]
    for path in others:
        if os.lstat(path).st_dev != device:
            raise Refusal(CONFIGURATION, "%s and %s are different file systems" % (shown(path), shown(origin)))
    for name in site.in_place():
        if kind_of(os.path.join(site.shared, name)) == "directory":
            both = [shown(os.path.join(one, name)) for one in (origin, site.shared)]
            what = "%s and %s are both directories: put what belongs together into one of them, and remove the other"
            raise Refusal(FOREIGN, what % tuple(both))
    leading = leading_out(origin, site.volatile)
    if leading:
        # While a release is in use, this tree and that of the release are one directory deeper.
        what = "leads out of %s by a relative path: make it an absolute one" % shown(site.live)
        raise Refusal(CONFIGURATION, "the link %s %s" % (", ".join(shown(one) for one in leading[:MAX_NAMED]), what))


def leads_out(directory: str, target: str) -> bool:
    """Whether a link with a relative target, in a directory given by its path below the tree, leaves the tree."""
    end = os.path.normpath(os.path.join(directory, target))
    return end == ".." or end.startswith("../")


def leading_out(root: str, left_out: List[str]) -> List[str]:
    """The links in a tree that leave it by a relative target."""
    found = []
    for directory, directories, files in os.walk(root):
        inner = os.path.relpath(directory, root)
        for name in directories + files:
            path = os.path.join(directory, name)
            if os.path.islink(path) and not os.path.isabs(os.readlink(path)) and leads_out(inner, os.readlink(path)):
                found.append(os.path.normpath(os.path.join(inner, name)))
        directories[:] = [name for name in directories if not is_volatile(name, left_out)]
    return found


def require_notifications(unit: str) -> None:
    """Refuses a unit that cannot tell the service manager about another main process.

    The service manager follows a change only when it is told, through a socket that it gives to a service when it
    starts it.
    """
    main = main_process(unit)
    if main is None:
        raise Refusal(NOT_THERE, "%s does not run" % unit)
    try:
        os.kill(main, 0)
    except PermissionError:
        what = "%s runs as another account than ours: it cannot be asked to make a new master"
        raise Refusal(NOT_PERMITTED, what % unit) from None
    notifies = properties(unit, "Type").get("Type") in ("notify", "notify-reload")
    if not notifies and not variables_of(main).get("NOTIFY_SOCKET"):
        what = "%s was started without a notification socket: give it `Type=notify` and restart it in a quiet hour"
        raise Refusal(CONFIGURATION, what % unit)


def made_by_us(marks: int) -> List[str]:
    """The names of volatile directories that exist only because of us."""
    try:
        with open(os.open(MADE, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=marks), "rb") as file:
            return [os.fsdecode(line) for line in file.read().split(b"\n") if line]
    except FileNotFoundError:
        return []


def make_room(site: Site) -> None:
    """Makes the directory of releases, installs the drop-in, and shares the volatile directories."""
    require_possible(site)
    state, marks = open_releases(site)
    if state == "complete" and is_in_force(site.unit) and not site.in_place():
        return
    source = os.path.join(site.releases, MARKS, "drop-in.conf")
    require_notifications(site.unit)
    require_allowed(site.unit, source)
    if os.path.lexists(drop_in_path(site.unit)):
        has_drop_in(site)
    marks = mark_releases(site)
    if not is_in_force(site.unit):
        put_drop_in(site, source)
    if kind_of(site.shared) is None:
        os.mkdir(site.shared, 0o755)
    origin = site.root_of(ORIGINAL_TREE)
    for name in site.volatile_names():
        share(site, origin, name, marks)
    write_whole(marks, marks, COMPLETE, b"", 0o600)


def mark_releases(site: Site) -> int:
    """Marks the directory as the rollout's before anything else is in it; the marks are returned opened."""
    _, _, root, marks = ownership(site.releases, site.rollout)
    Progress.has_written = True
    if root is None:
        os.mkdir(site.releases, 0o700)
        root = os.open(site.releases, DIRECTORY)
    if marks is None:
        os.mkdir(MARKS, 0o700, dir_fd=root)
        marks = os.open(MARKS, DIRECTORY, dir_fd=root)
        lock(marks, site.releases)
    if facts_of(OWNER, marks) is None:
        write_whole(marks, marks, OWNER, site.rollout.encode("utf-8") + b"\n", 0o600)
    # An account that may enter the live tree (a web server, for its static files) comes through here from now on.
    origin = os.stat(site.root_of(ORIGINAL_TREE))
    os.fchmod(root, stat.S_IMODE(origin.st_mode) | stat.S_IRWXU)
    return marks


def share(site: Site, origin: str, name: str, marks: int) -> None:
    """Replaces one volatile directory by a link to it. Running workers find its content all the while."""
    here, shared = os.path.join(origin, name), os.path.join(site.shared, name)
    kind = kind_of(here)
    if kind == "directory":
        if kind_of(shared) is None:
            os.symlink(shared, shared)  # Leads to itself until the directory is there.
        exchange(here, shared)
    elif kind is None and "." not in name:
        # The application would make it one day: in a release, and after a rollback the original would lack its content.
        # So it is made now, for both. A name with a dot is more likely one of a file.
        if kind_of(shared) is None:
            names = sorted(set(made_by_us(marks)) | {name})
            write_whole(marks, marks, MADE, b"".join(os.fsencode(one) + b"\n" for one in names), 0o600)
            os.mkdir(shared, 0o755)
        os.symlink(shared, here)


def clear_room(site: Site) -> None:
    """Undoes everything but the directory of releases itself, which is removed as any directory of ours is."""
    state, marks = open_releases(site)
    if state != "missing":
        put_back(site, marks)
    if has_drop_in(site):
        remove_drop_in(site)


def put_back(site: Site, marks: Optional[int]) -> None:
    """Puts the shared directories back into the original, when no release is in use."""
    tree, what = site.live_tree()
    if tree != "original":
        if tree == "foreign":
            raise Refusal(FOREIGN, what)
        raise Refusal(CONFIGURATION, "%s is still the release %s: switch back first" % (shown(site.live), shown(what)))
    processes = in_releases(site)
    if processes:
        raise Refusal(PASSING, "process %d still runs in a release" % processes[0])
    foreign = site.foreign_names()
    if foreign:
        raise Refusal(FOREIGN, "%s in %s is not ours" % (shown(foreign[0]), shown(site.releases)))
    if marks is not None:
        erase(marks, COMPLETE)
    made = made_by_us(marks) if marks is not None else []
    present = os.listdir(site.shared) if kind_of(site.shared) == "directory" else []
    for name in sorted(set(present) | set(made)):
        unshare(site, name, name in made)
    if kind_of(site.shared) == "directory":
        os.rmdir(site.shared)


def unshare(site: Site, name: str, is_made: bool) -> None:
    """Puts one shared directory back; one that only we have made, and no process has used, is removed."""
    here, shared = os.path.join(site.live, name), os.path.join(site.shared, name)
    Progress.has_written = True
    kind, is_linked = kind_of(shared), leads_to(here, shared)
    if kind == "directory" and is_made:
        try:
            os.rmdir(shared)
            kind = None
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    if kind == "directory":
        if is_linked:
            exchange(here, shared)
            kind, is_linked = "link", False
        elif kind_of(here) is None:
            os.rename(shared, here)
        else:
            what = "%s is in the way of %s: put what belongs together into the latter, and remove the former"
            raise Refusal(FOREIGN, what % (shown(here), shown(shared)))
    if kind == "link":
        os.unlink(shared)
    if is_linked:
        os.unlink(here)


def room(request: Request) -> None:
    """Makes room or clears it, as `room` says."""
    (make_room if request["room"] == "make" else clear_room)(Site(request))


if __name__ == "__main__":
    perform(room)
