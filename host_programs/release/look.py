"""Program: reports everything about a target's releases. Changes nothing."""

from typing import Any, Dict, Optional

from host_programs.release.drop_in import is_in_force
from host_programs.release.processes import ancestors_of, identity_of, main_process, successors_of, workers_of
from host_programs.release.site import Site, Tree, owned_state
from host_programs.request import Request, perform, shown


def described(tree: Tree) -> Dict[str, Optional[str]]:
    """A tree for the answer."""
    return {"kind": tree[0], "name": None if tree[1] is None else shown(tree[1])}


def running(site: Site) -> Optional[Dict[str, Any]]:
    """The unit's processes, or None when it does not run."""
    main = main_process(site.unit)
    if main is None:
        return None
    beside = ancestors_of(main) + successors_of(main)
    return {
        "master": identity_of(main),
        "workers": [identity_of(pid) for pid in workers_of(main)],
        "tree": described(site.tree_of(main)),
        "beside": [identity_of(pid) for pid in beside],
    }


def look(request: Request) -> Dict[str, Any]:
    """The directories, the releases and the processes of a site."""
    site = Site(request)
    state, why = owned_state(site.releases, site.rollout)
    is_ours = state != "foreign"
    whole, begun = site.release_names() if is_ours else ([], [])
    return {
        "directory": {"state": state, "why": why},
        "in_place": [shown(one) for one in site.in_place()],
        "shared": [shown(one) for one in site.shared_names()] if is_ours else [],
        "may_hand_over": is_in_force(site.unit),
        "live": described(site.live_tree()),
        "has_original": site.has_original(),
        "releases": [shown(one) for one in whole],
        "unfinished": [shown(one) for one in begun],
        "running": running(site),
    }


if __name__ == "__main__":
    perform(look)
