"""Everything there is to know about a target's releases. Changes nothing."""


def named(tree):
    return {"kind": tree[0], "name": None if tree[1] is None else shown(tree[1])}


def running(site):
    main = main_process(site.unit)
    if main is None:
        return None
    beside = ancestors(main) + successors(main)
    return {
        "master": facts_about(main),
        "workers": [facts_about(pid) for pid in workers_of(main)],
        "tree": named(site.tree_of(main)),
        "beside": [facts_about(pid) for pid in beside],
    }


def look(request):
    site = Site(request)
    state, why = owned_state(site.releases, site.rollout)
    ours = state != "foreign"
    whole, begun = site.release_names() if ours else ([], [])
    return {
        "directory": {"state": state, "why": why},
        "in_place": [shown(one) for one in site.in_place()],
        "shared": [shown(one) for one in site.shared_names()] if ours else [],
        "may_hand_over": in_force(site.unit),
        "live": named(site.live_tree()),
        "has_original": site.has_original(),
        "releases": [shown(one) for one in whole],
        "unfinished": [shown(one) for one in begun],
        "running": running(site),
    }


perform(look)
