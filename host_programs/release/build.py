"""Program: makes a release of a copy of the tree: links to what is shared, and the application's own Gunicorn
configuration beside ours.

It is asked in turns, between which the tree is copied and the files are installed.
"""

import hashlib
import os
import stat
from typing import Any, Dict, List, Tuple

from host_programs.owned import ownership
from host_programs.owned_changes import erase, lock, write_whole
from host_programs.release.configuration import CONFIGURATION_FILE, configuration_of
from host_programs.release.processes import in_releases, main_process
from host_programs.release.site import ORIGINAL_TREE, WHOLE, Site, kind_of, leads_to, owned_state
from host_programs.request import (
    CONFIGURATION,
    FOREIGN,
    NOT_THERE,
    PASSING,
    Progress,
    Refusal,
    Request,
    name_of,
    perform,
    shown,
)

# The application's own configuration, among the marks of a release: ours reads it.
ORIGINAL_CONFIGURATION = "gunicorn.original.py"


def running_main(site: Site) -> int:
    """The unit's main process, which has to run."""
    main = main_process(site.unit)
    if main is None:
        raise Refusal(NOT_THERE, "%s does not run: how it is started is read from its running process" % site.unit)
    return main


def plan(site: Site, request: Request) -> Dict[str, Any]:
    """Where the release is copied from, what its configuration is called, and whether the release exists already."""
    state, why = owned_state(site.releases, site.rollout)
    if state != "complete":
        why = why or "there is no room for releases in %s" % shown(site.releases)
        raise Refusal(FOREIGN if state == "foreign" else NOT_THERE, why)
    tree, what = site.live_tree()
    if tree == "foreign":
        raise Refusal(FOREIGN, what)
    if not site.has_original():
        raise Refusal(NOT_THERE, "the original is neither at %s nor at %s" % (shown(site.live), shown(site.original)))
    main = running_main(site)
    configuration = configuration_of(site, main)
    name = request["release"]
    path = os.path.join(site.releases, name)
    is_whole = name in site.release_names()[0]
    wrong = [one["path"] for one in request["files"] if not holds(path, one, configuration)] if is_whole else []
    if wrong and ("release", name) in ((tree, what), site.tree_of(main)):
        raise Refusal(FOREIGN, "the release %s is in use and holds another %s" % (name, shown(wrong[0])))
    return {
        "from": shown(site.root_of(ORIGINAL_TREE)),
        "configuration": shown(configuration),
        "whole": is_whole and not wrong,
    }


def holds(release: str, file: Dict[str, Any], configuration: str) -> bool:
    """Whether a release has a file of ours, unchanged."""
    name = configuration if file["path"] == CONFIGURATION_FILE else file["path"]
    path = os.path.join(release, name_of(name))
    if kind_of(path) != "other" or stat.S_IMODE(os.lstat(path).st_mode) != file["mode"]:
        return False
    with open(path, "rb") as content:
        return file["sha256"] is None or hashlib.sha256(content.read()).hexdigest() == file["sha256"]


def copied(site: Site, request: Request) -> Tuple[str, int, int]:
    """A release that the copy has made, locked: its path, itself and its marks, both opened."""
    path = os.path.join(site.releases, request["release"])
    state, why, root, marks = ownership(path, site.rollout)
    if state != "complete":
        why = why or "the copy in %s is %s" % (shown(path), state)
        raise Refusal(FOREIGN if state == "foreign" else NOT_THERE, why)
    lock(marks, path)
    return path, root, marks


def prepare(site: Site, request: Request) -> None:
    """Adds the links that a copy lacks: it has volatile directories empty and leaves volatile links out."""
    path, root, marks = copied(site, request)
    origin = site.root_of(ORIGINAL_TREE)
    shared = site.shared_names()
    for name in site.volatile_names():
        original = os.path.join(origin, name)
        if name in shared:
            put_link(path, root, name, os.path.join(site.shared, name))
        elif kind_of(original) == "link":
            # The application's own. A relative one stays in the tree: that was checked when room was made.
            put_link(path, root, name, os.readlink(original))
    configuration = os.path.join(origin, name_of(request["configuration"]))
    if os.path.isfile(configuration):
        with open(configuration, "rb") as file:
            write_whole(marks, marks, ORIGINAL_CONFIGURATION, file.read(), 0o600)


def put_link(path: str, root: int, name: str, target: str) -> None:
    """Puts a link in the place of an empty directory."""
    here = os.path.join(path, name)
    if leads_to(here, target):
        return
    Progress.has_written = True
    if kind_of(here) == "directory":
        os.rmdir(here)
    else:
        erase(root, name)
    os.symlink(target, here)


def finish(site: Site, request: Request) -> None:
    """Marks the release as whole."""
    _, _, marks = copied(site, request)
    write_whole(marks, marks, WHOLE, b"", 0o600)


def removable(site: Site, _: Request) -> List[str]:
    """The names of the releases, when none of them is in use."""
    state, why = owned_state(site.releases, site.rollout)
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    tree, what = site.live_tree()
    if tree == "release":
        raise Refusal(CONFIGURATION, "%s is still the release %s: switch back first" % (shown(site.live), shown(what)))
    processes = in_releases(site)
    if processes:
        raise Refusal(PASSING, "process %d still runs in a release" % processes[0])
    whole, begun = site.release_names()
    return [shown(one) for one in whole + begun]


def build(request: Request) -> Any:
    """Takes the turn that `turn` names."""
    turns = {"plan": plan, "prepare": prepare, "finish": finish, "removable": removable}
    return turns[request["turn"]](Site(request), request)


if __name__ == "__main__":
    perform(build)
