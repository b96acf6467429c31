"""What a release is beyond a copy of the tree: links to what is shared, and the application's Gunicorn configuration
behind ours. Asked in turns, between which the tree is copied and the files are installed.
"""

import hashlib
import shlex

# What a file of ours is called that is to be Gunicorn's configuration, whatever that is called here.
CONFIGURATION_FILE = "gunicorn.conf.py"
KEPT = "gunicorn.original.py"


def told(words):
    """The value of the last `--config`, in any of the ways in which it may be written."""
    found, at = None, 0
    while at < len(words):
        word, equals, value = words[at].partition("=")
        is_long = len(word) > 5 and "--config".startswith(word)
        if (is_long and not equals) or word == "-c":
            found, at = (words[at + 1] if at + 1 < len(words) else None), at + 1
        elif is_long:
            found = value
        elif words[at].startswith("-c") and len(words[at]) > 2:
            found = words[at][2:]
        at += 1
    return found


def command_line(site, main):
    """What follows Gunicorn's own name on the command line of the running master."""
    words = words_of(main)
    if words and words[0].startswith("gunicorn: "):
        # With setproctitle it has written over its command line: the unit's has to do.
        words = (
            properties(site.unit, "ExecStart").get("ExecStart", "").partition("argv[]=")[2].partition(" ; ")[0].split()
        )
    # After USR2, `-m gunicorn` is the path of the module that it runs.
    ends = ("/gunicorn", "/gunicorn3", "/gunicorn/__main__.py", "/gunicorn/app/wsgiapp.py", "/gunicorn.app.wsgiapp")
    begins = [at for at, word in enumerate(words) if ("/" + word).endswith(ends)]
    if not begins:
        raise Refusal(CONFIGURATION, "process %d of %s does not show Gunicorn's command line" % (main, site.unit))
    return words[begins[0] + 1 :]


def configuration_of(site, main):
    """The name of Gunicorn's configuration below the live tree, from the command line of the running master."""
    environment = shlex.split(variables_of(main).get("GUNICORN_CMD_ARGS", ""))
    named = told(command_line(site, main)) or told(environment) or CONFIGURATION_FILE
    if named.startswith("python:"):
        what = "Gunicorn's configuration is the module %s: a release can bring its own only as a file" % shown(
            named[7:]
        )
        raise Refusal(CONFIGURATION, what)
    named = named[5:] if named.startswith("file:") else named
    # The process may run below the tree's root, and the tree may lie elsewhere just now.
    root = os.path.realpath(site.root_of(site.tree_of(main)))
    below = os.path.relpath(os.readlink("/proc/%d/cwd" % main), root)
    if below == ".." or below.startswith("../"):
        raise Refusal(CONFIGURATION, "%s does not run in %s" % (site.unit, shown(site.live)))
    path = os.path.normpath(os.path.join(site.live, below, named))
    for base in (site.live, os.path.join(os.path.realpath(os.path.dirname(site.live)), os.path.basename(site.live))):
        if path != base and inside(path, base):
            return os.path.relpath(path, base)
    what = "Gunicorn's configuration %s lies outside of %s: a release cannot bring its own"
    raise Refusal(CONFIGURATION, what % (shown(path), shown(site.live)))


def main_of(site):
    main = main_process(site.unit)
    if main is None:
        raise Refusal(NOT_THERE, "%s does not run: how it is started is read from its running process" % site.unit)
    return main


def plan(site, request):
    """Where the release is copied from, what its configuration is called, and whether it is there already."""
    state, why = owned_state(site.releases, site.rollout)
    if state != "complete":
        why = why or "there is no room for releases in %s" % shown(site.releases)
        raise Refusal(FOREIGN if state == "foreign" else NOT_THERE, why)
    tree, what = site.live_tree()
    if tree == "foreign":
        raise Refusal(FOREIGN, what)
    if not site.has_original():
        raise Refusal(NOT_THERE, "the original is neither at %s nor at %s" % (shown(site.live), shown(site.original)))
    main = main_of(site)
    configuration = configuration_of(site, main)
    name = request["release"]
    path = os.path.join(site.releases, name)
    is_whole = name in site.release_names()[0]
    wrong = [] if not is_whole else [one["path"] for one in request["files"] if not holds(path, one, configuration)]
    if wrong and ("release", name) in ((tree, what), site.tree_of(main)):
        raise Refusal(FOREIGN, "the release %s is in use and holds another %s" % (name, shown(wrong[0])))
    return {
        "from": shown(site.root_of(("original", None))),
        "configuration": shown(configuration),
        "whole": is_whole and not wrong,
    }


def holds(release, file, configuration):
    """Whether a release holds a file of ours."""
    name = configuration if file["path"] == CONFIGURATION_FILE else file["path"]
    path = os.path.join(release, name_of(name))
    if kind_of(path) != "other" or stat.S_IMODE(os.lstat(path).st_mode) != file["mode"]:
        return False
    with open(path, "rb") as content:
        return file["sha256"] is None or hashlib.sha256(content.read()).hexdigest() == file["sha256"]


def copied(site, request):
    """A release that the copy has made, locked: its path, itself and its marks, both opened."""
    path = os.path.join(site.releases, request["release"])
    state, why, root, marks = whose(path, site.rollout)
    if state != "complete":
        raise Refusal(
            FOREIGN if state == "foreign" else NOT_THERE, why or "the copy in %s is %s" % (shown(path), state)
        )
    lock(marks, path)
    return path, root, marks


def prepare(site, request):
    """After the copy, which has volatile directories empty and leaves volatile links out."""
    path, root, marks = copied(site, request)
    origin = site.root_of(("original", None))
    shared = site.shared_names()
    for name in site.volatile_names():
        there = os.path.join(origin, name)
        if name in shared:
            link(path, root, name, os.path.join(site.shared, name))
        elif kind_of(there) == "link":
            # One of the application's own. If it is relative it stays in the tree: that was checked when room was made.
            link(path, root, name, os.readlink(there))
    configuration = os.path.join(origin, name_of(request["configuration"]))
    if os.path.isfile(configuration):
        with open(configuration, "rb") as file:
            write_whole(marks, marks, KEPT, file.read(), 0o600)


def link(path, root, name, target):
    """A link in the place of an empty directory."""
    here = os.path.join(path, name)
    if leads_to(here, target):
        return
    State.written = True
    if kind_of(here) == "directory":
        os.rmdir(here)
    else:
        erase(root, name)
    os.symlink(target, here)


def finish(site, request):
    """The release is whole."""
    _, _, marks = copied(site, request)
    write_whole(marks, marks, WHOLE, b"", 0o600)


def removable(site, _):
    """The releases there are, when none of them is in use."""
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


TURNS = {"plan": plan, "prepare": prepare, "finish": finish, "removable": removable}
perform(lambda request: TURNS[request["turn"]](Site(request), request))
