"""Looks: whose a directory is, what files hold, in what two trees differ. Changes nothing."""

import hashlib

# Names no file has the digest of: for what is there and is no file.
STRANGE = "migrate: no file but "
# No private file of ours is larger: a hundred synthetic users take a few hundred KiB.
LARGEST_PRIVATE = 1 << 19


def digest_of(name, directory):
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory), "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def file_at(directory, parts):
    """A file's facts; nothing where there is nothing."""
    try:
        facts = facts_of(parts[0], directory)
        if facts is None:
            return None
        if len(parts) > 1 and stat.S_ISDIR(facts.st_mode):
            below = open_below(directory, parts[0])
            if below is None:
                return None
            try:
                return file_at(below, parts[1:])
            finally:
                os.close(below)
        if len(parts) == 1 and stat.S_ISREG(facts.st_mode):
            digest = digest_of(parts[0], directory)
        elif len(parts) > 1 and not stat.S_ISLNK(facts.st_mode):
            return None
        else:
            digest = hashlib.sha256((STRANGE + oct(stat.S_IFMT(facts.st_mode))).encode("ascii")).hexdigest()
    except FileNotFoundError:
        return None
    return {"digest": digest, "mode": stat.S_IMODE(facts.st_mode)}


def files(request):
    try:
        root = os.open(name_of(request["directory"]), os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return [None] * len(request["paths"])
    return [file_at(root, [name_of(part) for part in path.split("/")]) for path in request["paths"]]


def private(request):
    """A file's content. Only its owner may be able to read it."""
    path = os.path.join(name_of(request["directory"]), name_of(request["path"]))
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Refusal(NOT_THERE, "there is no file %s" % shown(path))
    with open(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_mode & 0o077:
            raise Refusal(CONFIGURATION, "%s is not a file that only its owner can read" % shown(path))
        if facts.st_size > LARGEST_PRIVATE:
            raise Refusal(CONFIGURATION, "%s has more than %d KiB" % (shown(path), LARGEST_PRIVATE >> 10))
        return file.read(LARGEST_PRIVATE).decode("utf-8").strip()


def listing(path, left_out):
    """Every entry of a tree by its path, with its kind, mode and link; and where it lies."""
    found, waiting = {}, [""]
    while waiting:
        inner = waiting.pop()
        whole = os.path.join(path, inner)
        facts = os.stat(whole) if not inner else os.lstat(whole)
        leads = os.readlink(whole) if stat.S_ISLNK(facts.st_mode) else None
        found[inner] = (facts, leads, whole)
        if stat.S_ISDIR(facts.st_mode):
            waiting.extend(os.path.join(inner, name) for name in os.listdir(whole) if not covered(name, left_out))
    return found


def difference(one, other):
    """In what two entries differ; nothing when they do not."""
    if stat.S_IFMT(one[0].st_mode) != stat.S_IFMT(other[0].st_mode):
        return "its kind"
    if one[0].st_mode != other[0].st_mode:
        return "its mode (%o and %o)" % (stat.S_IMODE(one[0].st_mode), stat.S_IMODE(other[0].st_mode))
    if one[1] != other[1]:
        return "where it leads"
    if stat.S_ISREG(one[0].st_mode):
        if one[0].st_size != other[0].st_size or digest_of(one[2], None) != digest_of(other[2], None):
            return "its content"
    return None


def differences(request):
    left_out = [name_of(one) for one in request["left_out"]]
    try:
        trees = [listing(name_of(request[which]), left_out) for which in ("one", "other")]
        words = []
        for path in sorted(set(trees[0]) | set(trees[1])):
            here, there = trees[0].get(path), trees[1].get(path)
            if here is None or there is None:
                word = "only in %s" % shown(name_of(request["other" if here is None else "one"]))
            else:
                word = difference(here, there)
            if word is not None:
                words.append("%s: %s" % (shown(path) or ".", word))
            if len(words) == 10:
                break
        return words
    except FileNotFoundError as error:
        raise Refusal(PASSING, "%s vanished while it was compared" % shown(error.filename or ""))


def owned(request):
    state, why, _, _ = whose(name_of(request["to"]), request["rollout"])
    return {"state": state, "why": why}


LOOKS = {"owned": owned, "files": files, "private": private, "differences": differences}
perform(lambda request: LOOKS[request["look"]](request))
