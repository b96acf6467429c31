"""A real redis-server on a free port of the loopback interface, that a test can stop, freeze and start again."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis

# Below the ephemeral ports, one of which an outgoing connection could take before the server does, and begun elsewhere
# by each process: several run these tests at the same time.
_PORTS = itertools.count(os.getpid() * 97)


def free_port() -> int:
    """A port of the loopback interface that no process listens on. Each call gives another one."""
    while True:
        port = 10_000 + next(_PORTS) % 10_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class RedisServer:
    """Keeps what it holds over `stop` and `start`, unless told to lose it."""

    def __init__(self, directory: Path, *options: str, password: str | None = None, tls: bool = False) -> None:
        self.port = free_port()
        self.password = password
        self._tls = tls
        self._options = options
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As MIGRATE_SESSIONS_REDIS_URL wants it."""
        return f"redis{'s' if self._tls else ''}://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """A client, past the bridge."""
        return redis.Redis(port=self.port, password=self.password, ssl=self._tls, ssl_cert_reqs="none")

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        port = ["--port", "0", "--tls-port"] if self._tls else ["--port"]
        words = ["redis-server", "--bind", "127.0.0.1", *port, str(self.port), "--dir", str(self._directory)]
        words += ["--save", "", "--appendonly", "no", *self._options]
        if self.password:
            words += ["--requirepass", self.password]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            except OSError:
                time.sleep(0.02)
        raise TimeoutError("redis-server does not answer")

    def stop(self, keep: bool = True) -> None:
        """Kills the server; what it holds is there after the next start if it is to be kept."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        if keep and not self._tls:
            self.client().save()
        else:
            (self._directory / "dump.rdb").unlink(missing_ok=True)
        self._process.kill()
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Accepts connections from now on and answers none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Answers again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
