"""Makes room for releases beside a live tree, and takes it away again. Both go on from whatever was left of them."""


def must_be_possible(site):
    """Whatever would come in the way later comes in the way now, before anything is written."""
    tree, why = site.live_tree()
    if tree == "foreign":
        raise Refusal(FOREIGN, why)
    if not site.has_original():
        raise Refusal(NOT_THERE, "%s is a link, and the directory it was before us is nowhere" % shown(site.live))
    if platform.machine() not in SYSCALL:
        raise Refusal(CONFIGURATION, "renameat2(2) on %s is not known" % platform.machine())
    origin = site.root_of(("original", None))
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
    leading = leads_out(site, origin)
    if leading:
        # While a release is in use, this tree and that of the release lie one directory deeper.
        what = "leads out of %s by a relative path: make it an absolute one" % shown(site.live)
        raise Refusal(CONFIGURATION, "the link %s %s" % (", ".join(shown(one) for one in leading[:3]), what))


def leads_out(site, origin):
    """Links with a relative target that leaves the tree."""
    found = []
    for directory, directories, files in os.walk(origin):
        inner = os.path.relpath(directory, origin)
        for name in directories + files:
            path = os.path.join(directory, name)
            if os.path.islink(path) and not os.path.isabs(os.readlink(path)):
                end = os.path.normpath(os.path.join(inner, os.readlink(path)))
                if end == ".." or end.startswith("../"):
                    found.append(os.path.normpath(os.path.join(inner, name)))
        directories[:] = [name for name in directories if not covered(name, site.volatile)]
    return found


def must_have_a_voice(unit):
    """The service manager follows a change of its main process only when it is told, through a socket that it gives to
    services when it starts them.
    """
    main = main_process(unit)
    if main is None:
        raise Refusal(NOT_THERE, "%s does not run" % unit)
    try:
        os.kill(main, 0)
    except PermissionError:
        raise Refusal(
            NOT_PERMITTED, "%s runs as another account than ours: it cannot be asked to make a new master" % unit
        )
    notifies = properties(unit, "Type").get("Type") in ("notify", "notify-reload")
    if not notifies and not variables_of(main).get("NOTIFY_SOCKET"):
        what = "%s was started without a notification socket: give it `Type=notify` and restart it when nobody is there"
        raise Refusal(CONFIGURATION, what % unit)


def made_by_us(marks):
    """Names of directories that are there only because of us."""
    try:
        with open(os.open(MADE, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=marks), "rb") as file:
            return [os.fsdecode(line) for line in file.read().split(b"\n") if line]
    except FileNotFoundError:
        return []


def make_room(site):
    must_be_possible(site)
    state, marks = site.opened()
    done = state == "complete" and in_force(site.unit) and not site.in_place()
    if done:
        return
    source = os.path.join(site.releases, MARKS, "drop-in.conf")
    must_have_a_voice(site.unit)
    must_be_allowed(site.unit, source)
    if os.path.lexists(path_of(site.unit)):
        is_there(site)
    marks = mark_releases(site)
    if not in_force(site.unit):
        put_drop_in(site, source)
    if kind_of(site.shared) is None:
        os.mkdir(site.shared, 0o755)
    origin = site.root_of(("original", None))
    for name in site.volatile_names():
        share(site, origin, name, marks)
    write_whole(marks, marks, COMPLETE, b"", 0o600)


def mark_releases(site):
    """Makes the directory ours before anything else is in it."""
    _, _, root, marks = whose(site.releases, site.rollout)
    State.written = True
    if root is None:
        os.mkdir(site.releases, 0o700)
        root = os.open(site.releases, DIRECTORY)
    if marks is None:
        os.mkdir(MARKS, 0o700, dir_fd=root)
        marks = os.open(MARKS, DIRECTORY, dir_fd=root)
        lock(marks, site.releases)
    if facts_of(OWNER, marks) is None:
        write_whole(marks, marks, OWNER, site.rollout.encode("utf-8") + b"\n", 0o600)
    # Whoever may enter the live tree (a web server, for its static files) comes through here from now on.
    origin = os.stat(site.root_of(("original", None)))
    os.fchmod(root, stat.S_IMODE(origin.st_mode) | stat.S_IRWXU)
    return marks


def share(site, origin, name, marks):
    """One volatile directory changes places with a link to it: running workers find what is in it all the while."""
    here, shared = os.path.join(origin, name), os.path.join(site.shared, name)
    kind = kind_of(here)
    if kind == "directory":
        if kind_of(shared) is None:
            os.symlink(shared, shared)  # Leads to itself until the directory is there.
        exchange(here, shared)
    elif kind is None and "." not in name:
        # The application would make it one day: in a release, and what is in it then would be missing in the original
        # after a way back. So it is made now, for both. A name with a dot is more likely one of a file.
        if kind_of(shared) is None:
            names = sorted(set(made_by_us(marks)) | {name})
            write_whole(marks, marks, MADE, b"".join(os.fsencode(one) + b"\n" for one in names), 0o600)
            os.mkdir(shared, 0o755)
        os.symlink(shared, here)


def clear_room(site):
    """Everything but the directory of releases itself, which is removed as any directory of ours is."""
    state, marks = site.opened()
    if state != "missing":
        put_back(site, marks)
    if is_there(site):
        take_drop_in_away(site)


def put_back(site, marks):
    tree, what = site.live_tree()
    if tree != "original":
        if tree == "foreign":
            raise Refusal(FOREIGN, what)
        raise Refusal(CONFIGURATION, "%s is still the release %s: switch back first" % (shown(site.live), shown(what)))
    processes = in_releases(site)
    if processes:
        raise Refusal(PASSING, "process %d still runs in a release" % processes[0])
    strangers = site.strangers()
    if strangers:
        raise Refusal(FOREIGN, "%s in %s is not ours" % (shown(strangers[0]), shown(site.releases)))
    if marks is not None:
        erase(marks, COMPLETE)
    made = made_by_us(marks) if marks is not None else []
    there = os.listdir(site.shared) if kind_of(site.shared) == "directory" else []
    for name in sorted(set(there) | set(made)):
        unshare(site, name, name in made)
    if kind_of(site.shared) == "directory":
        os.rmdir(site.shared)


def unshare(site, name, made):
    here, shared = os.path.join(site.live, name), os.path.join(site.shared, name)
    State.written = True
    kind, is_linked = kind_of(shared), leads_to(here, shared)
    if kind == "directory" and made:
        try:
            os.rmdir(shared)  # Nobody has used it.
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


def work(request):
    (make_room if request["room"] == "make" else clear_room)(Site(request))


perform(work)
