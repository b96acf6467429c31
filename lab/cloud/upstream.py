"""The stand-in itself: ministack, on the loopback of the cloud's own network, with IAM enforced."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path

import boto3
from botocore.client import BaseClient
from botocore.config import Config

from cloud.call import Call
from cloud.reply import Reply
from world import addresses

PORT = 4567
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "date", "server", "content-length"}


class Upstream:
    """Starts the stand-in, forwards to it, and gives the proxy clients of its own."""

    def __init__(self, directory: Path) -> None:
        home = directory / "state/ministack"
        home.mkdir(parents=True)
        with (directory / "log/ministack.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-B", "-m", "ministack"],
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(home),
                    "TMPDIR": str(home),
                    "AUTH": "true",
                    "BIND_HOST": "127.0.0.1",
                    "GATEWAY_PORT": str(PORT),
                    "MINISTACK_REGION": addresses.REGION,
                    "REDIS_HOST": addresses.REDIS_NAME,
                    "REDIS_PORT": str(addresses.REDIS_PORT),
                },
            )
        self._clients: dict[str, BaseClient] = {}
        self._wait()

    def _wait(self) -> None:
        for _ in range(2400):
            if self.process.poll() is not None:
                raise RuntimeError("ministack ended; see ministack.log")
            try:
                connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
                connection.request("GET", "/_ministack/health")
                connection.getresponse().read()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("ministack does not answer")

    def client(self, service: str) -> BaseClient:
        """An administrator's client, past the proxy: its calls are not counted and meet no faults."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                region_name=addresses.REGION,
                endpoint_url=f"http://127.0.0.1:{PORT}",
                # The stand-in's root account: means nothing outside it.
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"max_attempts": 0}, max_pool_connections=32),
            )
        return self._clients[service]

    def forward(self, call: Call) -> Reply:
        """The same request, bit for bit: its signature covers the Host header and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        try:
            connection.putrequest(call.method, call.path, skip_host=True, skip_accept_encoding=True)
            for name, value in call.headers:
                if name.lower() not in ("connection", "transfer-encoding", "content-length", "expect"):
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(call.body)))
            connection.endheaders(call.body)
            answer = connection.getresponse()
            body = answer.read()
            headers = [(n, v) for n, v in answer.getheaders() if n.lower() not in _HOP_BY_HOP]
            return Reply(answer.status, body, headers)
        finally:
            connection.close()
