"""Process 1 of a lab host: starts the enabled services, answers systemctl, reaps everything.

Speaks JSON, one request and one answer a connection, on CONTROL. What systemctl prints is made in `verbs.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from pathlib import Path

import unit_file
import verbs
from execution import JOURNAL, CommandFailed
from service import Service

CONTROL = "/run/systemd/control.sock"
WANTED = Path("/etc/systemd/system/multi-user.target.wants")


class Manager:
    """All the services of a host."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self.watched: dict[int, Service] = {}
        self.exits: dict[int, asyncio.Future] = {}
        # A command can end before anyone waits for it: its status is kept until asked for.
        self.unclaimed: dict[int, int] = {}
        self.loop = asyncio.get_running_loop()
        self.tasks: set[asyncio.Task] = set()

    def service(self, name: str) -> Service:
        """The service of this name; its files are read once, and again only after a daemon-reload."""
        if name not in self.services:
            self.services[name] = Service(self, unit_file.load(name))
            ignored = self.services[name].unit.unsupported
            if ignored:
                self.services[name].note(f"directives this host does not act on: {', '.join(ignored)}")
        return self.services[name]

    def reload_units(self) -> None:
        """daemon-reload: every unit's files are read again; running services keep running."""
        for name, service in list(self.services.items()):
            try:
                service.unit = unit_file.load(name)
            except unit_file.UnitNotFound:
                if service.active in ("inactive", "failed"):
                    del self.services[name]

    # Processes --------------------------------------------------------------------------------------------------------

    def watch(self, pid: int, service: Service) -> None:
        """Tells the service when this main process ends."""
        self.watched[pid] = service
        if pid in self.unclaimed:
            self.background(service.main_exited(pid, self.unclaimed.pop(pid)))

    async def wait_exit(self, pid: int) -> int:
        """The exit code of a command started by the manager."""
        if pid not in self.unclaimed:
            self.exits[pid] = self.loop.create_future()
            await self.exits[pid]
        status = self.unclaimed.pop(pid)
        return status & 0x7F or status >> 8

    def reap(self) -> None:
        """Collects every ended process, the orphans of all the services included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.watched:
                self.background(self.watched.pop(pid).main_exited(pid, status))
                continue
            if len(self.unclaimed) > 1000:  # Orphans nobody asks for.
                self.unclaimed.clear()
            self.unclaimed[pid] = status
            if pid in self.exits:
                self.exits.pop(pid).set_result(None)

    def background(self, work: Coroutine[None, None, None]) -> None:
        """Runs something whose end nobody waits for."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # sd_notify --------------------------------------------------------------------------------------------------------

    def open_notify(self, sock: socket.socket, service: Service) -> None:
        """Listens to what a service says about itself."""
        self.loop.add_reader(sock.fileno(), service.notified)

    def close_notify(self, sock: socket.socket) -> None:
        """Stops listening."""
        self.loop.remove_reader(sock.fileno())
        sock.close()

    # systemctl --------------------------------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One systemctl call."""
        try:
            request = json.loads(await reader.readline())
            try:
                answer = await verbs.run(self, request)
            except CommandFailed as error:
                answer = verbs.Answer(stderr=f"{error}\n", code=1)
            writer.write(json.dumps(vars(answer)).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError) as error:
            print(f"systemctl: {error}", file=sys.stderr)
        finally:
            writer.close()

    async def boot(self) -> None:
        """Starts what is enabled, side by side."""

        async def start(name: str) -> None:
            try:
                await self.service(name).start()
            except (CommandFailed, unit_file.UnitNotFound) as error:
                print(f"boot: {name}: {error}", file=sys.stderr)

        await asyncio.gather(*(start(link.name) for link in sorted(WANTED.glob("*.service"))))


async def main() -> None:
    """Runs until the lab ends."""
    manager = Manager()
    JOURNAL.mkdir(parents=True, exist_ok=True)
    Path(CONTROL).parent.mkdir(parents=True, exist_ok=True)
    Path(CONTROL).unlink(missing_ok=True)
    manager.loop.add_signal_handler(signal.SIGCHLD, manager.reap)
    server = await asyncio.start_unix_server(manager.serve, CONTROL)
    await manager.boot()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
