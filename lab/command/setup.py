"""`lab setup`: the Debian packages and the virtualenvs, installed once and reused by every lab."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
SYSTEM_PYTHON = "/usr/bin/python3"
APPLICATION_ENV = "/home/ec2-user/chatmrpt_env"

# A program, and the Debian package that brings it.
PROGRAMS = {
    "redis-server": "redis-server",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "bwrap": "bubblewrap",
    "ip": "iproute2",
    "openssl": "openssl",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "curl": "curl",
    "ps": "procps",
    "haproxy": "haproxy",
}
# What runs in the application's hosts, what plays the cloud, and who comes through the load balancer.
KINDS = ("application", "cloud", "users")
_POLICY = Path("/usr/sbin/policy-rc.d")


class SetupError(Exception):
    """The machine cannot run the lab; the message says what to do."""


def cache() -> Path:
    """Where the virtualenvs are."""
    return Path(os.environ.get("LAB_CACHE") or LAB / ".cache").resolve()


def virtualenv(kind: str) -> Path:
    """The virtualenv for the present requirements: another list is another directory."""
    text = b"".join(words[-1].read_bytes() for words in requirements(kind))
    text += os.fsencode(os.path.realpath(SYSTEM_PYTHON))
    return cache() / f"{kind}-{hashlib.sha256(text).hexdigest()[:12]}"


def requirements(kind: str) -> list[list[str | Path]]:
    """What `pip install` is told, call by call; the last word of each is a list of packages."""
    lists: list[list[str | Path]] = [["-r", LAB / f"requirements/{kind}.txt"]]
    if kind == "cloud":
        lists.append(["--no-deps", "--require-hashes", "-r", LAB / "requirements/pytest.txt"])
    return lists


def is_done() -> bool:
    """Whether `lab up` can start."""
    return not missing_packages() and all((virtualenv(k) / "complete").exists() for k in KINDS)


def missing_packages() -> list[str]:
    """The Debian packages that are not there."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = {package for program, package in PROGRAMS.items() if not shutil.which(program, path=path)}
    probe = subprocess.run([SYSTEM_PYTHON, "-c", "import venv, ensurepip"], capture_output=True)
    if probe.returncode:
        missing.add("python3-venv")
    return sorted(missing)


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def run() -> None:
    """Installs what is missing."""
    if is_done():  # Also for a user who may only read the cache.
        say("setup: nothing to do")
        return
    if packages := missing_packages():
        install_packages(packages)
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        # Two labs that start at once must not build the same virtualenv twice.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for kind in KINDS:
            build(kind)
    say("setup: done")


def install_packages(packages: list[str]) -> None:
    """Asks apt, as root."""
    if os.geteuid() == 0:
        root = []
    elif shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        root = ["sudo", "-n"]
    else:
        raise SetupError(f"missing Debian packages; as root: apt-get install {' '.join(packages)}")
    say(f"setup: installing {' '.join(packages)}")
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    # Installing a server starts it, unless this file forbids it meanwhile.
    forbid = not _POLICY.exists()
    if forbid:
        script = f"printf '#!/bin/sh\\nexit 101\\n' >{_POLICY}; chmod 755 {_POLICY}"
        subprocess.run([*root, "sh", "-c", script], check=True)
    try:
        for words in (["update"], ["install", "--no-install-recommends", *packages]):
            done = subprocess.run([*apt, *words], capture_output=True, text=True)
            if done.returncode:
                raise SetupError(f"apt-get {words[0]} failed:\n{done.stderr[-2000:]}")
    finally:
        if forbid:
            subprocess.run([*root, "rm", "-f", str(_POLICY)], check=False)


def build(kind: str) -> None:
    """Builds one virtualenv from the system's Python: hosts have no other."""
    target = virtualenv(kind)
    if (target / "complete").exists():
        return
    say(f"setup: building the {kind} virtualenv")
    shutil.rmtree(target, ignore_errors=True)
    pip = [str(target / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input"]
    calls = [[SYSTEM_PYTHON, "-m", "venv", str(target)]]
    calls += [[*pip, *map(str, words)] for words in requirements(kind)]
    for words in calls:
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise SetupError(f"{' '.join(words[:4])} failed:\n{(done.stderr or done.stdout)[-2000:]}")
    if kind == "application":
        relocate(target)
    (target / "complete").touch()


def relocate(target: Path) -> None:
    """Scripts name their interpreter by path: make it the path the hosts see."""
    for script in (target / "bin").iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        script.write_bytes(script.read_bytes().replace(os.fsencode(target), APPLICATION_ENV.encode()))
