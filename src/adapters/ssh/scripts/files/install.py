"""Installs files in a directory that is ours: each whole or not at all, in the order in which they are named."""


def parts_of(path):
    """A path's parts, none of which leads anywhere else."""
    parts = [name_of(part) for part in path.split("/")]
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise Refusal(CONFIGURATION, "%s is not a path below a directory" % shown(name_of(path)))
    return parts


def directory_for(root, parts, path):
    """The directory that a file goes into, made where it is missing."""
    directory = os.dup(root)
    for part in parts:
        if facts_of(part, directory) is None:
            State.written = True
            os.mkdir(part, 0o700, dir_fd=directory)
            handle = os.open(part, DIRECTORY, dir_fd=directory)
            os.fchmod(handle, 0o700 if part == MARKS else 0o755)
            os.close(handle)
        below = open_below(directory, part)
        if below is None:
            raise Refusal(FOREIGN, "%s: %s is in the way, and no directory of ours" % (shown(path), shown(part)))
        os.close(directory)
        directory = below
    return directory


def install(request):
    path = name_of(request["to"])
    state, why, root, marks = whose(path, request["rollout"])
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    if state != "complete":
        raise Refusal(NOT_THERE, "the copy in %s is %s: nothing is installed in it" % (shown(path), state))
    files = [(parts_of(file["path"]), file) for file in request["files"]]
    lock(marks, path)
    for parts, file in files:
        directory = directory_for(root, parts[:-1], name_of(file["path"]))
        there = facts_of(parts[-1], directory)
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise Refusal(FOREIGN, "%s is a directory" % shown(name_of(file["path"])))
        if file["random"]:
            if there is not None and stat.S_ISREG(there.st_mode) and there.st_size:
                write = open(os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory), "rb")
                os.fchmod(write.fileno(), file["mode"])
                write.close()
            else:
                content = secrets.token_hex(file["random"]).encode("ascii") + b"\n"
                write_whole(marks, directory, parts[-1], content, file["mode"])
        else:
            write_whole(marks, directory, parts[-1], bytes.fromhex(file["content"]), file["mode"])
        os.close(directory)
    return None


def without_byte_code(directory, name):
    """What Python made of a file that is gone."""
    cache = open_below(directory, "__pycache__")
    if cache is None:
        return
    stem = name[: -len(".py")] + "."
    for made in os.listdir(cache):
        if made.startswith(stem) and made.endswith(".pyc"):
            erase(cache, made)
    os.close(cache)
    without_empty(directory, "__pycache__")


def without_empty(directory, name):
    """Removes a directory if nothing is in it."""
    try:
        os.rmdir(name, dir_fd=directory)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR):
            raise


def uninstall(request):
    path = name_of(request["to"])
    state, why, root, marks = whose(path, request["rollout"])
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    if marks is None:
        return None
    paths = [parts_of(one) for one in request["paths"]]
    lock(marks, path)
    for parts in paths:
        take_away(root, parts)
    return None


def take_away(directory, parts):
    """Removes one file, and on the way back the directories that are empty then. A link is no directory of ours."""
    if len(parts) == 1:
        there = facts_of(parts[0], directory)
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise Refusal(FOREIGN, "%s is a directory, not the file that was installed" % shown(parts[0]))
        erase(directory, parts[0])
        if parts[0].endswith(".py"):
            without_byte_code(directory, parts[0])
        return
    below = open_below(directory, parts[0])
    if below is None:
        return
    take_away(below, parts[1:])
    os.close(below)
    without_empty(directory, parts[0])


def install_or_not(request):
    return uninstall(request) if "paths" in request else install(request)


perform(install_or_not)
