"""The unit's drop-in: workers and successors of the main process may speak for the service (systemd.exec(5))."""

SYSTEM = "/etc/systemd/system"
SETTING = "[Service]\nNotifyAccess=all\n"


def path_of(unit):
    return "%s/%s.d/migrate.conf" % (SYSTEM, unit)


def in_force(unit):
    """Whether the service manager has read it."""
    said = properties(unit, "NotifyAccess", "DropInPaths")
    return said.get("NotifyAccess") == "all" and path_of(unit) in said.get("DropInPaths", "").split()


def commands(unit, source):
    """What has to be allowed: putting it there, taking it away, and having it read."""
    path = path_of(unit)
    return {
        "put": ["install", "-D", "-m", "0644", source, path],
        "remove": ["rm", "-f", path],
        "tidy": ["rmdir", "--ignore-fail-on-non-empty", os.path.dirname(path)],
        "read": ["systemctl", "daemon-reload"],
    }


def as_root(words):
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done = subprocess.run(["sudo", "-n"] + words, **pipes)
    if done.returncode:
        raise Refusal(NOT_PERMITTED, "`sudo -n %s` failed: %s" % (" ".join(words), last_line(done.stderr)))


def must_be_allowed(unit, source):
    """All of it before any of it: a drop-in that cannot be taken away again is not put there."""
    for words in commands(unit, source).values():
        try:
            asked = ["sudo", "-n", "-l"] + words
            done = subprocess.run(asked, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            refused = done.returncode != 0
        except FileNotFoundError:
            refused = True
        if refused:
            raise Refusal(NOT_PERMITTED, "`sudo -n %s` is not allowed on this host" % " ".join(words))


def text_of(site):
    return "# migrate: rollout %s; taken away when its releases are\n%s" % (site.rollout, SETTING)


def put_drop_in(site, source):
    """Puts it there and has it read."""
    steps = commands(site.unit, source)
    with open(source, "w") as file:
        file.write(text_of(site))
    as_root(steps["put"])
    as_root(steps["read"])
    if not in_force(site.unit):
        what = "%s has no effect: another drop-in of %s sets NotifyAccess after it" % (path_of(site.unit), site.unit)
        raise Refusal(CONFIGURATION, what)


def is_there(site):
    """Whether it, or what the service manager remembers of it, is there. Somebody else's is not ours to touch."""
    path = path_of(site.unit)
    try:
        with open(path) as file:
            if file.read() != text_of(site):
                raise Refusal(FOREIGN, "%s is not the one of this rollout" % path)
        return True
    except FileNotFoundError:
        return path in properties(site.unit, "DropInPaths").get("DropInPaths", "").split()


def take_drop_in_away(site):
    steps = commands(site.unit, "")
    State.written = True
    as_root(steps["remove"])
    if os.path.isdir(os.path.dirname(path_of(site.unit))):
        as_root(steps["tidy"])
    as_root(steps["read"])
