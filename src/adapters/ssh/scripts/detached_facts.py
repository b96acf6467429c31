def listeners(pid):
    """Addresses of sockets in state 0A, LISTEN, in the process's network, by inode: proc_pid_net(5)."""
    found = {}
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            rows = content(pid, "net/" + table).decode().splitlines()[1:]
        except OSError:
            continue  # IPv6 may be switched off
        for row in rows:
            fields = row.split()
            if fields[3] != "0A":
                continue
            digits, port = fields[1].split(":")
            # Four bytes at a time, in the order of this machine.
            raw = bytes.fromhex(digits)
            if sys.byteorder == "little":
                raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
            address = socket.inet_ntop(family, raw)
            shown = "[%s]" % address if family == socket.AF_INET6 else address
            found[fields[9]] = "%s:%d" % (shown, int(port, 16))
    return found


def open_files(pid):
    """Inodes of its sockets, and regular files that it may write."""
    sockets, written = set(), set()
    for number in os.listdir("/proc/%d/fd" % pid):
        name = "fd/" + number
        try:
            path = os.readlink("/proc/%d/%s" % (pid, name))
            if path.startswith("socket:["):
                sockets.add(path[len("socket:[") : -1])
            elif stat.S_ISREG(os.stat("/proc/%d/%s" % (pid, name)).st_mode):
                lines = content(pid, "fdinfo/" + number).decode().splitlines()
                flags = next(line.split()[1] for line in lines if line.startswith("flags:"))
                if int(flags, 8) & os.O_ACCMODE != os.O_RDONLY:
                    written.add(path)
        except FileNotFoundError:
            continue  # closed meanwhile
    return sockets, written


def shown(text):
    """Text that is legal in JSON, whatever bytes it came from."""
    return os.fsencode(text).decode("utf-8", "replace")


def facts(directory, pid_file, names):
    processes = everyone()
    top = master(directory, pid_file, processes)
    if top is None:
        return None
    line = words(top)

    def is_worker(pid):
        try:
            theirs = words(pid)
        except OSError:
            return False
        return theirs == line or (bool(theirs) and theirs[0].startswith("gunicorn: worker"))

    workers = sorted(pid for pid, (parent, _) in processes.items() if parent == top and is_worker(pid))
    sockets, written = set(), set()
    for pid in below([top], processes):
        try:
            its_sockets, its_files = open_files(pid)
        except FileNotFoundError:
            continue  # a worker that was replaced meanwhile
        sockets |= its_sockets
        written |= its_files
    environment = variables(top)
    addresses = listeners(top)
    answer = {
        "master": {"pid": top, "started_ticks": processes[top][1]},
        "executable": shown(link(top, "exe")),
        "command_line": [shown(word) for word in line],
        "directory": shown(link(top, "cwd")),
        "workers": [{"pid": pid, "started_ticks": processes[pid][1]} for pid in workers],
        "listening": sorted(addresses[inode] for inode in sockets if inode in addresses),
        "environment": {name: shown(environment[name]) for name in names if name in environment},
        "written_files": sorted(shown(path) for path in written),
    }
    if status(top)[1] != processes[top][1]:
        raise FileNotFoundError
    return answer


_, directory, pid_file, *names = sys.argv[1:]
try:
    print(json.dumps(facts(directory, pid_file, names)))
except (FileNotFoundError, ProcessLookupError):
    fail(TEMPORARY, "the copy's process went away while it was looked at")
