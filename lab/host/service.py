"""One service: started, watched, reloaded, stopped and restarted the way systemd does it.

The rules that a migration relies on, and that the tests hold: `Type=notify` is active only after READY=1; MAINPID=
from an accepted sender moves the main process; a main process that leaves another living pid in PIDFile= hands over
to it (Gunicorn's USR2); KillMode=mixed sends the signal to the main process and kills the rest; Restart=always
brings a dead service back, but not one that was stopped.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import processes
import unit_file
from execution import NOTIFY, CommandFailed, Execution

if TYPE_CHECKING:
    from manager import Manager


class JobFailed(CommandFailed):
    """A start, stop, or reload that did not succeed; the message is for the person who asked."""


class Service(Execution):
    """The run-time state of one .service unit."""

    def __init__(self, manager: Manager, unit: unit_file.Unit) -> None:
        self.manager, self.unit = manager, unit
        self.active, self.sub, self.result = "inactive", "dead", "success"
        self.main_pid = self.restarts = self.exit_status = self.exit_code = 0
        self.status_text = self.invocation = ""
        self.sessions: set[int] = set()
        self.stamps: dict[str, float] = {}
        self.starts: list[float] = []
        self.ready: asyncio.Event = asyncio.Event()
        self.gone: asyncio.Event = asyncio.Event()
        self.lock = asyncio.Lock()
        self.stopping = False
        self.notify_socket: socket.socket | None = None

    # What the outside sees ------------------------------------------------------------------------------------------

    def set_state(self, active: str, sub: str) -> None:
        """Moves to another state and remembers when."""
        if active != self.active:
            key = {"active": "ActiveEnter", "inactive": "InactiveEnter", "failed": "InactiveEnter"}.get(active)
            if key:
                self.stamps[key] = time.time()
            self.stamps["StateChange"] = time.time()
        self.active, self.sub = active, sub

    # Jobs -----------------------------------------------------------------------------------------------------------

    async def start(self, automatic: bool = False) -> None:
        """Starts the service and returns when it counts as started."""
        async with self.lock:
            if self.active in ("active", "reloading"):
                return
            self.stopping = False
            if not automatic:
                self.restarts = 0
            self._check_start_limit()
            self.invocation = uuid.uuid4().hex
            self.result, self.status_text = "success", ""
            self.ready, self.gone = asyncio.Event(), asyncio.Event()
            self.set_state("activating", "start")
            try:
                self._open_notify_socket()
                await self.run("ExecStartPre")
                await self._start_main()
                await self.run("ExecStartPost")
            except (CommandFailed, OSError, IndexError) as error:
                self.note(f"Failed to start: {error}")
                await self._kill_all(signal.SIGTERM)
                await self._finish("exit-code" if self.result == "success" else self.result)
                raise JobFailed(
                    f"Job for {self.unit.name} failed because {error}.\n"
                    f'See "systemctl status {self.unit.name}" and "journalctl -xeu {self.unit.name}" for details.'
                ) from error

    def _check_start_limit(self) -> None:
        now, burst = time.monotonic(), int(self.unit.get("StartLimitBurst") or 5)
        self.starts = [t for t in self.starts if now - t < self.unit.seconds("StartLimitIntervalSec", 10)]
        if burst and len(self.starts) >= burst:
            self.result = "start-limit-hit"
            self.set_state("failed", "failed")
            raise JobFailed(f"Start request repeated too quickly for {self.unit.name}.")
        self.starts.append(now)

    async def _start_main(self) -> None:
        kind = self.unit.get("Type") or "simple"
        commands = self.unit.commands("ExecStart")
        if kind == "oneshot":
            await self.run("ExecStart")
            stays = self.unit.flag("RemainAfterExit")
            self.set_state("active" if stays else "inactive", "exited" if stays else "dead")
            return
        self.main_pid = self.spawn(commands[0])
        self.stamps["ExecMainStart"] = time.time()
        self.manager.watch(self.main_pid, self)
        timeout = self.unit.seconds("TimeoutStartSec", 90)
        if kind == "notify":
            await self._wait_first(timeout, self.ready, self.gone)
        elif kind == "forking":
            await self._wait_first(timeout, self.gone)
            self.gone = asyncio.Event()
            if not self.adopt_pid_file():
                raise JobFailed("the forking service left no living process in its PIDFile")
        if self.gone.is_set():
            raise JobFailed(f"the control process exited with status {self.exit_status}")
        self.set_state("active", "running")

    async def _wait_first(self, timeout: float, *events: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        limit = None if timeout == float("inf") else timeout
        done, pending = await asyncio.wait(waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        if not done:
            self.result = "timeout"
            raise JobFailed("a timeout was exceeded")

    async def stop(self) -> None:
        """Stops the service; a pending automatic restart is called off."""
        self.stopping = True
        async with self.lock:
            if self.active in ("inactive", "failed"):
                return
            self.set_state("deactivating", "stop-sigterm")
            try:
                await self.run("ExecStop")
            except CommandFailed as error:
                self.note(str(error))
            name = self.unit.get("KillSignal") or "SIGTERM"
            killed = await self._kill_all(signal.Signals[name])
            await self._finish("timeout" if killed else "success")

    async def reload(self) -> None:
        """Runs ExecReload. Like systemd, it does not wait for more than the command."""
        if self.active not in ("active", "reloading"):
            raise JobFailed(f"{self.unit.name} is not active, cannot reload.")
        if not self.unit.list("ExecReload"):
            raise JobFailed(f"Failed to reload {self.unit.name}: Job type reload is not applicable for unit.")
        async with self.lock:
            self.set_state("reloading", "reload")
            try:
                await self.run("ExecReload")
            finally:
                if self.active == "reloading":
                    self.set_state("active", "running")

    async def _kill_all(self, number: int) -> bool:
        """Ends the unit's processes. True when SIGKILL was needed for the main process."""
        mode = self.unit.get("KillMode") or "control-group"
        main = [self.main_pid] if self.main_pid else []
        processes.send(main if mode in ("mixed", "process") else processes.session_members(self.sessions), number)
        deadline = time.monotonic() + self.unit.seconds("TimeoutStopSec", 90)
        waiting_for_main = mode in ("mixed", "process")
        while time.monotonic() < deadline:
            left = main if waiting_for_main else processes.session_members(self.sessions)
            if not any(processes.is_alive(pid) for pid in left):
                break
            await asyncio.sleep(0.02)
        killed = any(processes.is_alive(pid) for pid in main)
        processes.send(main if mode == "process" and killed else [], signal.SIGKILL)
        if mode != "process":
            while left := processes.session_members(self.sessions):
                processes.send(left, signal.SIGKILL)
                await asyncio.sleep(0.02)
        return killed

    async def _finish(self, result: str) -> None:
        self.main_pid = 0
        try:
            await self.run("ExecStopPost")
        except CommandFailed as error:
            self.note(str(error))
        self.result = result
        self.sessions.clear()
        if self.notify_socket:
            self.manager.close_notify(self.notify_socket)
            self.notify_socket = None
        self.set_state("inactive" if result == "success" else "failed", "dead" if result == "success" else "failed")

    # What the kernel and the service tell us --------------------------------------------------------------------------

    def adopt_pid_file(self) -> bool:
        """Takes the living process that PIDFile= names as the main one."""
        path = self.unit.get("PIDFile")
        try:
            pid = int(Path("/run", path).read_text())
        except (OSError, ValueError):
            return False
        if not path or pid == self.main_pid or not processes.is_alive(pid):
            return False
        self.change_main(pid, "its PIDFile")
        return True

    def change_main(self, pid: int, source: str) -> None:
        """Follows the service to another main process."""
        self.note(f"Main process is now {pid}, says {source}.")
        self.main_pid = pid
        self.sessions.add(os.getsid(pid))
        self.stamps["ExecMainStart"] = time.time()
        self.manager.watch(pid, self)

    async def main_exited(self, pid: int, status: int) -> None:
        """The main process is gone: hand over, or end, or start again."""
        if pid != self.main_pid:
            return
        self.exit_code, self.exit_status = (2, status & 0x7F) if status & 0x7F else (1, status >> 8)
        self.stamps["ExecMainExit"] = time.time()
        if self.active == "active" and self.adopt_pid_file():
            return
        self.gone.set()
        if self.active not in ("active", "reloading"):
            return  # A start or stop job is under way and deals with it.
        clean = status == 0 or (status & 0x7F) in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)
        result = "success" if clean else "signal" if status & 0x7F else "exit-code"
        self.note(f"Main process exited, {'signal' if status & 0x7F else 'status'}={self.exit_status}")
        async with self.lock:
            self.set_state("deactivating", "stop-sigterm")
            await self._kill_all(signal.SIGTERM)
            await self._finish(result)
        await self._restart_by_policy(clean)

    async def _restart_by_policy(self, clean: bool) -> None:
        policy = self.unit.get("Restart") or "no"
        if self.stopping or not (policy == "always" or (policy == "on-success" if clean else policy != "no")):
            return
        self.set_state("activating", "auto-restart")
        await asyncio.sleep(self.unit.seconds("RestartSec", 0.1))
        if self.stopping or self.active != "activating":
            return
        self.restarts += 1
        try:
            await self.start(automatic=True)
        except JobFailed as error:
            self.note(str(error))
            if self.result != "start-limit-hit":
                await self._restart_by_policy(clean=False)

    def _open_notify_socket(self) -> None:
        NOTIFY.mkdir(parents=True, exist_ok=True)
        path = NOTIFY / self.unit.name
        path.unlink(missing_ok=True)
        self.notify_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify_socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.notify_socket.bind(str(path))
        self.notify_socket.setblocking(False)
        self.manager.open_notify(self.notify_socket, self)

    def notified(self) -> None:
        """Reads one sd_notify datagram and follows it, if NotifyAccess= lets the sender speak."""
        data, control, _, _ = self.notify_socket.recvmsg(4096, socket.CMSG_SPACE(struct.calcsize("3i")))
        sender = struct.unpack("3i", control[0][2][:12])[0] if control else 0
        access = self.unit.get("NotifyAccess") or ("main" if self.unit.get("Type") == "notify" else "none")
        # Like the cgroup check of systemd: a sender outside the unit, or already gone, is not heard.
        belongs = sender in processes.session_members(self.sessions)
        if access == "none" or not belongs or (access in ("main", "exec") and sender != self.main_pid):
            self.note(f"Got notification message from PID {sender}, but reception is not permitted")
            return
        fields = dict(line.split("=", 1) for line in data.decode(errors="replace").splitlines() if "=" in line)
        self.status_text = fields.get("STATUS", self.status_text)
        if fields.get("MAINPID", "").isdigit() and int(fields["MAINPID"]) != self.main_pid:
            self.change_main(int(fields["MAINPID"]), f"PID {sender}")
        if fields.get("READY") == "1":
            self.ready.set()
