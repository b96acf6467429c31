"""The store: a redis-server in a network of its own, running only while a replication group says it exists."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from world import addresses, network


class RedisNode:
    """At most one, as the lab has one node."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.state = directory, directory / "state"
        self.home = self.state / "redis"
        self.process: subprocess.Popen | None = None

    def start(self, tls: bool, token: str) -> None:
        """Starts an empty store and returns when it listens."""
        self.home.mkdir()
        certificates = self.state / "tls"
        lines = [
            f"bind {addresses.REDIS}",
            "protected-mode no",
            f"dir {self.home}",
            'save ""',
            "appendonly no",
            "unixsocket redis.sock",
            "unixsocketperm 700",
            f"logfile {self.directory}/log/redis.log",
            "maxmemory 512mb",
            "maxmemory-policy volatile-lru",
        ]
        if tls:
            lines += [
                "port 0",
                f"tls-port {addresses.REDIS_PORT}",
                "tls-auth-clients no",
                f"tls-cert-file {certificates}/redis.pem",
                f"tls-key-file {certificates}/redis.key",
                f"tls-ca-cert-file {certificates}/ca.pem",
            ]
        else:
            lines.append(f"port {addresses.REDIS_PORT}")
        if token:
            lines.append(f"requirepass {token}")
        configuration = self.home / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            network.within(self.state, "redis", "redis-server", str(configuration)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Its network answers nobody yet, so it is asked through its own socket. A socket's path has to be short, the
        # lab's directory need not be.
        home = os.open(self.home, os.O_RDONLY)
        try:
            for _ in range(2400):
                try:
                    with socket.socket(socket.AF_UNIX) as probe:
                        probe.connect(f"/proc/self/fd/{home}/redis.sock")
                        return
                except OSError:
                    time.sleep(0.05)
        finally:
            os.close(home)
        raise RuntimeError("redis-server does not listen; see redis.log")

    def stop(self) -> None:
        """Ends the store. What was in it is gone, as after a deletion without a snapshot."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
            shutil.rmtree(self.home)
