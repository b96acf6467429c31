"""One host: a bubblewrap sandbox with its own network, processes, home, /tmp, /etc and service manager.

Inside, everyone is uid 1000 `ec2-user`; outside, that is whoever started the lab. The software is the machine's own
/usr, read-only; the application's virtualenv is the one built by `lab setup`.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path

from world import addresses, identities, network

LAB = Path(__file__).resolve().parent.parent
HOME = "/home/ec2-user"
# `*`: no password fits, and the account is not locked, which sshd without PAM would refuse.
_PASSWD = (
    "root:*:0:0:root:/root:/bin/bash\n"
    "ec2-user:*:1000:1000:ec2-user:/home/ec2-user:/bin/bash\n"
    "nobody:*:65534:65534::/:/bin/false\n"
)
_GROUP = "root:*:0:\nec2-user:*:1000:\nnogroup:*:65534:\n"

# bubblewrap looks its child up in /proc, which in the world is the machine's own (see init.py): it gets a true one.
_OWN_PROC = ("unshare", "--mount", "sh", "-c", 'mount -t proc proc /proc && exec "$@"', "sh")


class Hosts:
    """The files and sandboxes of all the hosts of one lab."""

    def __init__(self, lab_directory: Path, state: Path, virtualenv: Path) -> None:
        self.directory, self.state, self.virtualenv = lab_directory, state, virtualenv
        # One secret for the fleet, as the instances of one image share their .env.
        self.flask_secret = secrets.token_hex(32)

    def prepare(self) -> None:
        """Lays out every host's files, and the ssh configuration that reaches them."""
        public = identities.ssh_key(self.directory / "id_ed25519", "lab operator")
        known = []
        for host in addresses.HOSTS:
            key = self._etc(host, public)
            known.append(f"{host.name},{host.address} {key}")
            self._home(host)
        (self.directory / "known_hosts").write_text("\n".join(known) + "\n")
        (self.directory / "ssh_config").write_text(self._ssh_config())

    def _root(self, host: addresses.Host) -> Path:
        return self.state / "hosts" / host.name

    def _etc(self, host: addresses.Host, operator_key: str) -> str:
        etc = self._root(host) / "etc"
        units = etc / "systemd/system"
        (units / "multi-user.target.wants").mkdir(parents=True)
        (etc / "ssh").mkdir()
        for name, text in {
            "passwd": _PASSWD,
            "group": _GROUP,
            "hosts": addresses.hosts_file(),
            "hostname": f"{host.name}\n",
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
            "ssh/authorized_keys": operator_key + "\n",
        }.items():
            (etc / name).write_text(text)
        for name in ("ld.so.cache", "localtime"):
            if Path("/etc", name).exists():
                shutil.copy(Path("/etc", name), etc / name)
        (etc / "os-release").symlink_to("/usr/lib/os-release")
        key = identities.ssh_key(etc / "ssh/ssh_host_ed25519_key", host.name)
        shutil.copy(LAB / "host/sshd_config", etc / "ssh/sshd_config")
        enabled = [LAB / "host/sshd.service"]
        if host.application:
            enabled.append(LAB / "application/chatmrpt.service")
        for unit in enabled:
            shutil.copy(unit, units / unit.name)
            (units / "multi-user.target.wants" / unit.name).symlink_to(f"/etc/systemd/system/{unit.name}")
        return " ".join(key.split()[:2])

    def _home(self, host: addresses.Host) -> None:
        root = self._root(host)
        for name in ("home", "tmp", "var/log", "var/tmp"):
            (root / name).mkdir(parents=True)
        if not host.application:
            return
        tree = root / "home/ChatMRPT"
        shutil.copytree(LAB / "application/tree", tree, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("logs", "flask_session", "instance"):
            (tree / name).mkdir()
        (tree / ".env").write_text(f"SECRET_KEY={self.flask_secret}\nFLASK_ENV=production\n")
        (tree / ".env").chmod(0o600)
        (root / "home/chatmrpt_env").mkdir()

    def _ssh_config(self) -> str:
        directory = self.directory
        entries = [f"Host {host.name}\n  HostName {host.address}\n" for host in addresses.HOSTS]
        return "\n".join(entries) + (
            f"\nHost *\n  User ec2-user\n  Port 22\n  IdentityFile {directory}/id_ed25519\n  IdentitiesOnly yes\n"
            f"  IdentityAgent none\n  UserKnownHostsFile {directory}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
            "  StrictHostKeyChecking yes\n"
        )

    def start(self, host: addresses.Host) -> subprocess.Popen:
        """Boots a host. Its process 1 is the service manager."""
        network.attach(self.state, host.name, host.address)
        with (self.directory / f"log/{host.name}.log").open("ab") as log:
            return subprocess.Popen(
                network.within(self.state, host.name, *_OWN_PROC, *self._sandbox(host)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _sandbox(self, host: addresses.Host) -> list[str]:
        root = self._root(host)
        words = [
            "bwrap",
            "--unshare-user",
            "--uid",
            "1000",
            "--gid",
            "1000",
            "--unshare-pid",
            "--as-pid-1",
            "--unshare-uts",
            "--hostname",
            host.name,
            "--unshare-ipc",
            "--ro-bind",
            "/usr",
            "/usr",
        ]
        for name in ("bin", "sbin", "lib", "lib32", "lib64"):
            if Path("/", name).is_symlink():
                words += ["--symlink", str(Path("/", name).readlink()), f"/{name}"]
            elif Path("/", name).exists():
                words += ["--ro-bind", f"/{name}", f"/{name}"]
        words += [
            "--bind",
            f"{root}/etc",
            "/etc",
            "--ro-bind-try",
            "/etc/alternatives",
            "/etc/alternatives",
            "--ro-bind-try",
            "/etc/ssl",
            "/etc/ssl",
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--tmpfs",
            "/run",
            "--dir",
            "/run/systemd/system",
            "--bind",
            f"{root}/var",
            "/var",
            "--symlink",
            "/run",
            "/var/run",
            "--bind",
            f"{root}/tmp",
            "/tmp",
            "--bind",
            f"{root}/home",
            HOME,
            "--dir",
            "/root",
            "--ro-bind",
            f"{LAB}/host",
            "/opt/service-manager",
            "--ro-bind",
            f"{LAB}/host/bin",
            "/usr/local/bin",
        ]
        # A real systemctl or sudo of the machine would find no server here. `ip` is there twice: the lab's hands the
        # rest to the machine's.
        for name in ("systemctl", "journalctl", "sudo"):
            if Path("/usr/bin", name).exists():
                words += ["--ro-bind", f"{LAB}/host/bin/{name}", f"/usr/bin/{name}"]
        if host.application:
            words += ["--ro-bind", str(self.virtualenv), f"{HOME}/chatmrpt_env"]
        return [
            *words,
            "--chdir",
            "/",
            "--clearenv",
            "--setenv",
            "PATH",
            "/usr/local/bin:/usr/bin:/bin",
            "--setenv",
            "LANG",
            "C.UTF-8",
            "/usr/bin/python3",
            "-B",
            "/opt/service-manager/manager.py",
        ]
