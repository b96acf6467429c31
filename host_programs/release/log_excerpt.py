"""What an application logs from now on, for an operator who asks why it did not start. Changes nothing."""

import os
import subprocess
import time
from typing import Dict, List

from host_programs.owned import MARKS
from host_programs.paths import is_inside
from host_programs.redaction import redacted, secret_values
from host_programs.release.processes import variables_of
from host_programs.release.site import Site, Tree

# Files of ours whose content is a secret.
SECRET_FILES = ("redis-password", "trial-token")
# What is reported: lines, and bytes read of each file.
MAX_LINES = 25
MAX_BYTES = 8000
# What a file of ours may have, in bytes.
LONGEST_FILE = 1 << 16


def beginning_of(path: str) -> str:
    """The content of a small file; nothing when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(LONGEST_FILE).decode("utf-8", "replace")
    except OSError:
        return ""


def parse_variables(text: str) -> Dict[str, str]:
    """The variables in lines of NAME=VALUE."""
    return dict(line.partition("=")[::2] for line in text.splitlines())


class LogExcerpt:
    """The files that a master writes, and their sizes now. Another tree's master writes its own files, in that tree."""

    def __init__(self, site: Site, master: int, tree: Tree) -> None:
        self.unit, self.began = site.unit, time.time()
        self.root = site.root_of(tree)
        self.variables = variables_of(master)
        own = os.path.realpath(site.root_of(site.tree_of(master)))
        self.lengths: Dict[str, int] = {}
        directory = "/proc/%d/fd" % master
        for number in sorted(os.listdir(directory), key=int):
            try:
                path = os.readlink(os.path.join(directory, number))
            except OSError:
                continue
            # The access log has every request, and nothing about a start.
            if not path.startswith("/") or "access" in os.path.basename(path):
                continue
            found = [path]
            if is_inside(path, own):
                found.append(os.path.join(self.root, os.path.relpath(path, own)))
            for one in found:
                if os.path.isfile(one):
                    self.lengths[one] = os.path.getsize(one)
                elif one != path:
                    self.lengths[one] = 0

    def lines(self) -> List[str]:
        """The last lines since then, without anything that looks like a secret."""
        lines: List[str] = []
        for path, length in self.lengths.items():
            try:
                with open(path, "rb") as file:
                    file.seek(max(length, os.fstat(file.fileno()).st_size - MAX_BYTES))
                    lines += file.read().decode("utf-8", "replace").splitlines()
            except OSError:
                continue
        if not lines:
            lines = self.journal()
        text = "\n".join(line for line in lines if line.strip())
        return redacted(text, self.secrets()).splitlines()[-MAX_LINES:]

    def journal(self) -> List[str]:
        """The unit's last lines in the system's journal."""
        choice = ["-u", self.unit, "-n", str(MAX_LINES), "--since", "@%d" % self.began]
        command = ["journalctl", *choice, "-o", "cat", "--no-pager"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError:
            return []
        return done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else []

    def secrets(self) -> List[str]:
        """The secrets that the application knows: of its environment, and of the files of ours."""
        marks = os.path.join(self.root, MARKS)
        variables = dict(self.variables)
        variables.update(parse_variables(beginning_of(os.path.join(marks, "environment"))))
        return secret_values(variables) + [beginning_of(os.path.join(marks, name)).strip() for name in SECRET_FILES]
