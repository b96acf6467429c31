"""How a unit's Exec lines are run: their environment, their output, their variables."""

from __future__ import annotations

import os
import re
import shlex
import time
from pathlib import Path
from typing import Any

import processes
import unit_file

JOURNAL = Path("/var/log/journal")
NOTIFY = Path("/run/systemd/notify")


class CommandFailed(Exception):
    """A command that had to succeed did not."""


class Execution:
    """Runs the commands of one unit. `unit`, `sessions`, `main_pid` and `invocation` are the service's."""

    unit: unit_file.Unit
    sessions: set[int]
    main_pid: int
    invocation: str
    manager: Any
    notify_socket: Any

    def note(self, text: str) -> None:
        """Writes a line of the manager's own into the unit's journal."""
        with (JOURNAL / f"{self.unit.name}.log").open("a") as journal:
            journal.write(f"{time.strftime('%b %d %H:%M:%S')} systemd[1]: {self.unit.name}: {text}\n")

    def environment(self) -> dict[str, str]:
        """What the unit's commands find: never what the person who typed systemctl had in the shell."""
        env = dict(processes.BASE_ENVIRONMENT, INVOCATION_ID=self.invocation)
        if self.unit.get("User"):
            env.update(HOME="/home/ec2-user", USER="ec2-user", LOGNAME="ec2-user", SHELL="/bin/bash")
        for line in self.unit.list("Environment"):
            env.update(word.split("=", 1) for word in shlex.split(line) if "=" in word)
        for name in self.unit.list("EnvironmentFile"):
            path = Path(name.lstrip("-"))
            if not path.is_file() and name.startswith("-"):
                continue
            for line in path.read_text().splitlines():
                if "=" in line and not line.lstrip().startswith(("#", ";")):
                    key, _, value = line.strip().partition("=")
                    env[key.strip()] = "".join(shlex.split(value)) if value[:1] in "'\"" else value
        if self.main_pid:
            env["MAINPID"] = str(self.main_pid)
        if self.notify_socket:
            env["NOTIFY_SOCKET"] = str(NOTIFY / self.unit.name)
        return env

    def output(self) -> int:
        """Where the unit's commands write."""
        target = self.unit.get("StandardOutput")
        kind, _, path = target.partition(":")
        file = path if kind in ("append", "file", "truncate") else str(JOURNAL / f"{self.unit.name}.log")
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def spawn(self, command: unit_file.Command) -> int:
        """Starts one Exec line."""
        env = self.environment()
        argv: list[str] = []
        for word in command.argv:
            whole = re.fullmatch(r"\$([A-Za-z_]\w*)", word)
            if whole:  # `$NAME` as a word of its own is split; `${NAME}` is not.
                argv += env.get(whole.group(1), "").split()
            else:
                argv.append(re.sub(r"\$\{(\w+)\}", lambda m: env.get(m.group(1), ""), word).replace("$$", "$"))
        user = self.unit.get("User") or "ec2-user"
        directory = self.unit.get("WorkingDirectory").lstrip("-") or "/"
        output = self.output()
        try:
            if user not in ("ec2-user", "1000"):
                raise OSError(f"this host has no user {user}")
            pid = processes.spawn(
                argv, env, directory.replace("~", "/home/ec2-user"), output, int(self.unit.get("UMask", "0022"), 8)
            )
        finally:
            os.close(output)
        self.sessions.add(pid)
        return pid

    async def run(self, key: str) -> None:
        """Runs the Exec lines of a kind to their end, one after another."""
        for command in self.unit.commands(key):
            try:
                code = await self.manager.wait_exit(self.spawn(command))
            except OSError as error:
                code = 203
                self.note(f"{key}: {error}")
            if code and not command.ignore_failure:
                raise CommandFailed(f"{key} ended with status {code}")
