"""Copies a live tree, and goes on where an interrupted copy stopped.

A file has its name in the copy only when it is whole, and its times are set before: so what has the original's size and
times is done. What vanishes while it is copied was not there. Hard links become files of their own: a copy that shared
one with the original could change it.
"""


class Vanished(Exception):
    """The live application has removed it meanwhile."""


class Copy:
    def __init__(self, marks, volatile):
        self.marks = marks
        self.volatile = volatile

    def directory(self, source, target, path):
        """Everything in a directory, and nothing else."""
        kept = {MARKS} if path == "." else set()
        for name in os.listdir(source):
            still_here()
            try:
                if self.entry(source, target, name, path + "/" + name):
                    kept.add(name)
            except Vanished:
                continue
        for name in os.listdir(target):
            if name not in kept:
                erase(target, name)
        facts = os.fstat(source)
        os.fchmod(target, stat.S_IMODE(facts.st_mode))
        os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    def entry(self, source, target, name, path):
        """One entry; whether it is to be there."""
        facts = facts_of(name, source)
        if facts is None:
            raise Vanished
        there = facts_of(name, target)
        if covered(name, self.volatile):
            # An application expects its directories, and must not write through a link into the original's.
            meant = self.meant(source, name) if stat.S_ISLNK(facts.st_mode) else facts
            if meant is None or not stat.S_ISDIR(meant.st_mode):
                return False
            made = self.opened(target, name, there)
            os.fchmod(made, stat.S_IMODE(meant.st_mode))
            os.close(made)
        elif stat.S_ISLNK(facts.st_mode):
            self.link(source, target, name, there, facts)
        elif stat.S_ISDIR(facts.st_mode):
            self.below(source, target, name, path, there)
        elif stat.S_ISREG(facts.st_mode):
            self.file(source, target, name, path, there)
        elif stat.S_ISFIFO(facts.st_mode) or stat.S_ISSOCK(facts.st_mode):
            erase(target, name)
            os.mknod(name, stat.S_IFMT(facts.st_mode) | 0o600, dir_fd=target)
            os.chmod(name, stat.S_IMODE(facts.st_mode), dir_fd=target)
        else:
            raise Refusal(BROKEN, "%s is a device, which is not copied" % shown(path))
        return True

    def meant(self, source, name):
        """What a link leads to, when it leads anywhere."""
        try:
            return os.stat(name, dir_fd=source)
        except OSError:
            return None

    def opened(self, target, name, there):
        """A directory of the copy, made when there is none, that we may write in."""
        if there is not None and not stat.S_ISDIR(there.st_mode):
            erase(target, name)
            there = None
        if there is None:
            State.written = True
            os.mkdir(name, 0o700, dir_fd=target)
        return os.open(name, DIRECTORY, dir_fd=target)

    def below(self, source, target, name, path, there):
        try:
            read = os.open(name, DIRECTORY, dir_fd=source)
        except FileNotFoundError:
            raise Vanished
        try:
            if there is not None and stat.S_ISDIR(there.st_mode) and there.st_mode & stat.S_IRWXU != stat.S_IRWXU:
                # Finished by an earlier try, with a mode that keeps even its owner out.
                erase(target, name)
                there = None
            written = self.opened(target, name, there)
            os.fchmod(written, 0o700)
            try:
                self.directory(read, written, path)
            finally:
                os.close(written)
        finally:
            os.close(read)

    def link(self, source, target, name, there, facts):
        try:
            leads = os.readlink(name, dir_fd=source)
        except FileNotFoundError:
            raise Vanished
        if there is None or not stat.S_ISLNK(there.st_mode) or os.readlink(name, dir_fd=target) != leads:
            erase(target, name)
            os.symlink(leads, name, dir_fd=target)
        os.utime(name, ns=(facts.st_atime_ns, facts.st_mtime_ns), dir_fd=target, follow_symlinks=False)

    def file(self, source, target, name, path, there):
        try:
            # Without waiting: somebody may have put a pipe in its place.
            read = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
        except FileNotFoundError:
            raise Vanished
        try:
            facts = os.fstat(read)
            if not stat.S_ISREG(facts.st_mode):
                raise Refusal(PASSING, "%s changed while it was copied" % shown(path))
            if there is not None and same(there, facts):
                return
            # A file that is written all the time is copied as it is in the end; whether that matters, its digest tells.
            for _ in range(3):
                before, facts = facts, self.content(read)
                if (before.st_size, before.st_mtime_ns) == (facts.st_size, facts.st_mtime_ns):
                    break
        finally:
            os.close(read)
        if there is not None and stat.S_ISDIR(there.st_mode):
            erase(target, name)
        os.rename(PART, name, src_dir_fd=self.marks, dst_dir_fd=target)

    def content(self, read):
        """Writes all of a file under a name of ours; what the file was like afterwards."""
        if facts_of(PART, self.marks) is not None:
            os.unlink(PART, dir_fd=self.marks)
        part = os.open(PART, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self.marks)
        try:
            os.lseek(read, 0, os.SEEK_SET)
            while True:
                piece = memoryview(os.read(read, 1 << 20))
                if not piece:
                    break
                while piece:
                    piece = piece[os.write(part, piece) :]
                still_here()
            facts = os.fstat(read)
            os.fchmod(part, stat.S_IMODE(facts.st_mode))
            os.utime(part, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        finally:
            os.close(part)
        return facts


def same(there, facts):
    """Whether the copy of a file is done."""
    seen = [(one.st_mode, one.st_size, one.st_mtime_ns) for one in (there, facts)]
    return seen[0] == seen[1]


def bytes_in(directory):
    """What the files below a directory hold."""
    total = 0
    for name in os.listdir(directory):
        facts = facts_of(name, directory)
        if facts is not None and stat.S_ISREG(facts.st_mode):
            total += facts.st_size
        elif facts is not None and stat.S_ISDIR(facts.st_mode):
            below = open_below(directory, name)
            if below is not None:
                total += bytes_in(below)
                os.close(below)
    return total


def copy(request):
    origin, path = name_of(request["from"]), name_of(request["to"])
    parent = os.path.dirname(path)
    for directory in (origin, parent):
        if not os.path.isdir(directory):
            raise Refusal(NOT_THERE, "there is no directory %s" % shown(directory))
    real = [os.path.realpath(one) + "/" for one in (origin, path)]
    if real[0].startswith(real[1]) or real[1].startswith(real[0]):
        raise Refusal(CONFIGURATION, "%s and %s lie in each other" % (shown(origin), shown(path)))
    source = os.open(origin, os.O_RDONLY | os.O_DIRECTORY)
    if facts_of(MARKS, source) is not None:
        raise Refusal(FOREIGN, "%s holds a %s of its own" % (shown(origin), MARKS))
    state, why, root, marks = whose(path, request["rollout"])
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    if state == "complete":
        return None
    room = os.statvfs(parent)
    free = room.f_bavail * room.f_frsize
    needed = max(0, request["needed_bytes"] - (bytes_in(root) if root is not None else 0))
    if free < needed:
        sentence = "%d MiB free at %s, %d MiB needed" % (free >> 20, shown(parent), (needed >> 20) + 1)
        raise Refusal(NO_ROOM, sentence)
    root, marks = mark(path, root, marks, request["rollout"])
    Copy(marks, [name_of(one) for one in request["volatile"]]).directory(source, root, ".")
    if facts_of(PART, marks) is not None:
        os.unlink(PART, dir_fd=marks)
    write_whole(marks, marks, COMPLETE, b"", 0o600)
    return None


def mark(path, root, marks, rollout):
    """Makes the directory ours before anything else is in it."""
    State.written = True
    if root is None:
        os.mkdir(path, 0o700)
        root = os.open(path, DIRECTORY)
    # From now on until it is done: the original's mode comes last.
    os.fchmod(root, 0o700)
    if marks is None:
        os.mkdir(MARKS, 0o700, dir_fd=root)
        marks = os.open(MARKS, DIRECTORY, dir_fd=root)
    lock(marks, path)
    if facts_of(OWNER, marks) is None:
        write_whole(marks, marks, OWNER, rollout.encode("utf-8") + b"\n", 0o600)
    return root, marks


perform(copy)
