"""What an application logs from now on, for whoever has to say why it did not start."""

SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASS", "PWD", "CREDENTIAL", "DSN", "URL", "URI", "AUTH")
SECRET_FILES = ("redis-password", "trial-token")
LINES = 25


class Logged:
    """The files that a master writes, as long as they are now. Another tree's master writes its own, in that tree."""

    def __init__(self, site, master, tree):
        self.unit, self.began = site.unit, time.time()
        self.root = site.root_of(tree)
        self.variables = variables_of(master)
        own = os.path.realpath(site.root_of(site.tree_of(master)))
        self.lengths = {}
        directory = "/proc/%d/fd" % master
        for number in sorted(os.listdir(directory), key=int):
            try:
                path = os.readlink(os.path.join(directory, number))
            except OSError:
                continue
            # Every request is in the access log: nothing about a start.
            if not path.startswith("/") or "access" in os.path.basename(path):
                continue
            found = [path]
            if inside(path, own):
                found.append(os.path.join(self.root, os.path.relpath(path, own)))
            for one in found:
                if os.path.isfile(one):
                    self.lengths[one] = os.path.getsize(one)
                elif one != path:
                    self.lengths[one] = 0

    def since(self):
        """The last lines, without anything that looks like a secret."""
        lines = []
        for path, length in self.lengths.items():
            try:
                with open(path, "rb") as file:
                    file.seek(max(length, os.fstat(file.fileno()).st_size - 8000))
                    lines += file.read().decode("utf-8", "replace").splitlines()
            except OSError:
                continue
        if not lines:
            lines = self.journal()
        return redacted("\n".join(line for line in lines if line.strip()), self.secrets()).splitlines()[-LINES:]

    def journal(self):
        words = [
            "journalctl",
            "-u",
            self.unit,
            "-n",
            str(LINES),
            "-o",
            "cat",
            "--no-pager",
            "--since",
            "@%d" % self.began,
        ]
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError:
            return []
        return done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else []

    def secrets(self):
        variables = dict(self.variables)
        marks = os.path.join(self.root, MARKS)
        for line in self.file(os.path.join(marks, "environment")).splitlines():
            name, _, value = line.partition("=")
            variables[name] = value
        found = [
            value
            for name, value in variables.items()
            if any(word in name.upper() for word in SECRET_WORDS) and not value.startswith("/")
        ]
        return found + [self.file(os.path.join(marks, name)).strip() for name in SECRET_FILES]

    def file(self, path):
        try:
            with open(path, "rb") as file:
                return file.read(1 << 16).decode("utf-8", "replace")
        except OSError:
            return ""


def redacted(text, values):
    for value in sorted(set(values), key=len, reverse=True):
        if len(value) >= 4:
            text = text.replace(value, "[redacted]")
    return text
