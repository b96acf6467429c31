"""Process 1 of a lab: builds the network, starts everything, and stays. When it is killed, the lab is gone.

Started by `lab up` as the root of new user, network, mount and pid namespaces. /proc stays the machine's own, so
that commands brought in by `lab enter` (which keep the machine's pid namespace) find themselves in it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(LAB))

from world import addresses, identities, network  # noqa: E402
from world.hosts import Hosts  # noqa: E402

STARTUP_SECONDS = 180


def say(text: str) -> None:
    """A line of progress: `lab up` shows it."""
    print(text, flush=True)


class World:
    """One running lab."""

    def __init__(self, directory: Path, application_env: Path, cloud_env: Path) -> None:
        self.directory, self.cloud_env = directory, cloud_env
        self.state = directory / "state"
        self.hosts = Hosts(directory, self.state, application_env)
        self.processes: dict[str, subprocess.Popen] = {}

    def build(self) -> None:
        """From nothing to a lab in which everything answers."""
        network.create_bridge()
        names = self.state / "etc-hosts"
        names.write_text(addresses.hosts_file())
        network.run("mount", "--bind", str(names), "/etc/hosts")
        with ThreadPoolExecutor() as pool:
            # The cloud takes longest to answer: it goes first.
            cloud = pool.submit(self._start_cloud)
            self.hosts.prepare()
            say("hosts: starting " + ", ".join(host.name for host in addresses.HOSTS))
            for host in addresses.HOSTS:
                self.processes[host.name] = self.hosts.start(host)
            cloud.result()
            list(pool.map(self._wait_host, addresses.HOSTS))
        say("hosts: ssh and the application answer")

    def _start_cloud(self) -> None:
        say("cloud: starting")
        identities.redis_certificates(self.state / "tls")
        (self.directory / "redis-ca.pem").write_bytes((self.state / "tls/ca.pem").read_bytes())
        network.attach(self.state, "cloud", addresses.CLOUD)
        network.attach(self.state, "redis", addresses.REDIS, routed=False)
        network.attach(self.state, "balancer", addresses.BALANCER)
        with (self.directory / "log/cloud.log").open("ab") as log:
            self.processes["cloud"] = subprocess.Popen(
                network.within(
                    self.state, "cloud", str(self.cloud_env / "bin/python"), "-B", "-m", "cloud", str(self.directory)
                ),
                cwd=LAB,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait("cloud", self._cloud_ready)
        say("cloud: seeded and answering")

    def _cloud_ready(self) -> bool:
        url = f"http://{addresses.CLOUD}:{addresses.CLOUD_PORT}/_lab/health"
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(json.load(answer)["ready"])

    def _wait_host(self, host: addresses.Host) -> None:
        def answers() -> bool:
            done = subprocess.run(
                ["ssh", "-F", str(self.directory / "ssh_config"), "-o", "ConnectTimeout=2", host.name, "true"],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
            )
            if done.returncode:
                raise OSError(done.stderr.strip())
            if host.application:
                with urllib.request.urlopen(f"http://{host.address}:8080/ping", timeout=2) as answer:
                    return answer.status == 200
            return True

        self._wait(host.name, answers)

    def _wait(self, name: str, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STARTUP_SECONDS
        reason = "no answer"
        while time.monotonic() < deadline:
            if self.processes[name].poll() is not None:
                raise RuntimeError(f"{name} ended; see {self.directory}/log/{name}.log")
            try:
                if answers():
                    return
            except (OSError, ValueError) as error:
                reason = str(error)
            time.sleep(0.1)
        raise RuntimeError(f"{name} does not answer ({reason}); see {self.directory}/log/{name}.log")

    def watch(self) -> None:
        """Reaps what ends, and says so when it is something the lab needs."""
        pids = {process.pid: name for name, process in self.processes.items()}
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                say("nothing is left running")
                return
            if pid in pids:
                say(f"{pids[pid]} ended with status {os.waitstatus_to_exitcode(status)}")


def main() -> int:
    """init.py DIRECTORY APPLICATION_ENV CLOUD_ENV"""
    directory, application_env, cloud_env = (Path(word) for word in sys.argv[1:4])
    # As process 1 of a pid namespace, only signals with a handler arrive.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    # The machine's own number: /proc is not the namespace's.
    (directory / "world.pid").write_text(f"{Path('/proc/self').readlink()}\n")
    world = World(directory, application_env, cloud_env)
    try:
        world.build()
    except (RuntimeError, OSError) as error:
        say(f"error: {error}")
        return 1
    say("ready")
    world.watch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
