"""Which file is Gunicorn's configuration, by the command line of the running master. Changes nothing."""

import os
import shlex
from typing import List, Optional

from host_programs.paths import is_inside
from host_programs.release.processes import properties, variables_of, words_of
from host_programs.release.site import Site
from host_programs.request import CONFIGURATION, Refusal, shown

# What a file of ours is called that is to be Gunicorn's configuration, whatever that is called on the target. It is
# Gunicorn's own default, too.
CONFIGURATION_FILE = "gunicorn.conf.py"
# After USR2, `-m gunicorn` is the path of the module that it runs.
GUNICORN_NAMES = (
    "/gunicorn",
    "/gunicorn3",
    "/gunicorn/__main__.py",
    "/gunicorn/app/wsgiapp.py",
    "/gunicorn.app.wsgiapp",
)


def configuration_option(words: List[str]) -> Optional[str]:
    """The value of the last `--config`, in any of the forms that argparse accepts."""
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


def started_words(exec_start: str) -> List[str]:
    """The command line in a unit's property ExecStart."""
    return exec_start.partition("argv[]=")[2].partition(" ; ")[0].split()


def after_gunicorn(words: List[str]) -> Optional[List[str]]:
    """What follows Gunicorn's own name in a command line; None when it has no such name."""
    begins = [at for at, word in enumerate(words) if ("/" + word).endswith(GUNICORN_NAMES)]
    return words[begins[0] + 1 :] if begins else None


def gunicorn_arguments(site: Site, main: int) -> List[str]:
    """Gunicorn's arguments on the command line of the running master."""
    words = words_of(main)
    if words and words[0].startswith("gunicorn: "):
        # With setproctitle it has written over its command line: the unit's has to do.
        words = started_words(properties(site.unit, "ExecStart").get("ExecStart", ""))
    arguments = after_gunicorn(words)
    if arguments is None:
        raise Refusal(CONFIGURATION, "process %d of %s does not show Gunicorn's command line" % (main, site.unit))
    return arguments


def configuration_file(named: str) -> str:
    """The path that a value of `--config` names. A module is refused."""
    if named.startswith("python:"):
        what = "Gunicorn's configuration is the module %s: a release can bring its own only as a file"
        raise Refusal(CONFIGURATION, what % shown(named[7:]))
    return named[5:] if named.startswith("file:") else named


def configuration_of(site: Site, main: int) -> str:
    """The path of Gunicorn's configuration below the live tree."""
    environment = shlex.split(variables_of(main).get("GUNICORN_CMD_ARGS", ""))
    named = configuration_option(gunicorn_arguments(site, main)) or configuration_option(environment)
    file = configuration_file(named or CONFIGURATION_FILE)
    # The process may run below the tree's root, and the tree may be elsewhere just now.
    root = os.path.realpath(site.root_of(site.tree_of(main)))
    below = os.path.relpath(os.readlink("/proc/%d/cwd" % main), root)
    if below == ".." or below.startswith("../"):
        raise Refusal(CONFIGURATION, "%s does not run in %s" % (site.unit, shown(site.live)))
    path = os.path.normpath(os.path.join(site.live, below, file))
    for base in (site.live, os.path.join(os.path.realpath(os.path.dirname(site.live)), os.path.basename(site.live))):
        if path != base and is_inside(path, base):
            return os.path.relpath(path, base)
    what = "Gunicorn's configuration %s lies outside of %s: a release cannot bring its own"
    raise Refusal(CONFIGURATION, what % (shown(path), shown(site.live)))
