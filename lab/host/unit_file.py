"""Unit files: found, merged with their drop-ins, and parsed.

Only what a service manager needs to run services. A directive that is not understood is kept, so that `systemctl cat`
and `systemctl show -p` still tell the truth, and is named in `Unit.unsupported`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

SEARCH_PATH = (Path("/etc/systemd/system"), Path("/run/systemd/system"), Path("/run/systemd/transient"))

# Directives that may be given several times and add up; an empty value resets the list, as in systemd.
LISTS = frozenset(
    [
        "ExecStart",
        "ExecStartPre",
        "ExecStartPost",
        "ExecReload",
        "ExecStop",
        "ExecStopPost",
        "Environment",
        "EnvironmentFile",
        "WantedBy",
        "RequiredBy",
        "Wants",
        "Requires",
        "After",
        "Before",
        "Documentation",
        "RuntimeDirectory",
    ]
)
SUPPORTED = LISTS | frozenset(
    [
        "Description",
        "Type",
        "Restart",
        "RestartSec",
        "TimeoutStartSec",
        "TimeoutStopSec",
        "TimeoutSec",
        "KillMode",
        "KillSignal",
        "User",
        "Group",
        "WorkingDirectory",
        "NotifyAccess",
        "PIDFile",
        "StandardOutput",
        "StandardError",
        "RemainAfterExit",
        "UMask",
        "StartLimitBurst",
        "StartLimitIntervalSec",
        "SuccessExitStatus",
    ]
)

_TIME_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "": 1}


class UnitNotFound(Exception):
    """No file describes the unit."""


@dataclass
class Command:
    """One Exec line: its prefix flags and its words, before variables are expanded."""

    argv: list[str]
    ignore_failure: bool = False


@dataclass
class Unit:
    """A unit file and its drop-ins, merged."""

    name: str
    fragment: Path
    drop_ins: list[Path]
    values: dict[str, list[str]] = field(default_factory=dict)
    unsupported: list[str] = field(default_factory=list)
    stamp: tuple = ()

    def get(self, key: str, default: str = "") -> str:
        """The last value of a directive."""
        values = self.values.get(key)
        return values[-1] if values else default

    def list(self, key: str) -> list[str]:
        """All the values of a directive."""
        return self.values.get(key, [])

    def seconds(self, key: str, default: float) -> float:
        """A time span such as `5`, `5s`, `1min 30s`, or `infinity`."""
        return time_span(self.get(key), default)

    def flag(self, key: str) -> bool:
        """A yes or no directive."""
        return self.get(key).lower() in ("yes", "true", "1", "on")

    def commands(self, key: str) -> list[Command]:
        """The Exec lines of one kind."""
        return [_command(line) for line in self.list(key)]

    def text(self) -> str:
        """What `systemctl cat` prints."""
        return "\n".join(f"# {path}\n{path.read_text()}" for path in [self.fragment, *self.drop_ins])


def time_span(text: str, default: float) -> float:
    """Seconds in a systemd time span."""
    if not text:
        return default
    if text == "infinity":
        return float("inf")
    return sum(float(n) * _TIME_UNITS.get(u, 1) for n, u in re.findall(r"([\d.]+)\s*([a-z]*)", text))


def _command(line: str) -> Command:
    prefix = re.match(r"[-@:+!]*", line).group()
    return Command(shlex.split(line[len(prefix) :]), ignore_failure="-" in prefix)


def _files(name: str) -> tuple[Path, list[Path]]:
    template = re.sub(r"@[^.]*\.", "@.", name) if "@" in name else name
    fragment = next((d / n for d in SEARCH_PATH for n in (name, template) if (d / n).is_file()), None)
    if fragment is None:
        raise UnitNotFound(name)
    # One drop-in name counts once; the first directory in the search path wins.
    found: dict[str, Path] = {}
    for directory in SEARCH_PATH:
        for drop_in in (directory / f"{name}.d").glob("*.conf"):
            found.setdefault(drop_in.name, drop_in)
    return fragment, [found[n] for n in sorted(found)]


def stamp_of(name: str) -> tuple:
    """What changes when a unit's files change: tells whether a daemon-reload is due."""
    try:
        fragment, drop_ins = _files(name)
    except UnitNotFound:
        return ()
    return tuple((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in [fragment, *drop_ins])


def _specifiers(value: str, name: str) -> str:
    stem = name.rsplit(".", 1)[0]
    instance = stem.split("@", 1)[1] if "@" in stem else ""
    table = {
        "n": name,
        "N": stem,
        "p": stem.split("@")[0],
        "i": instance,
        "I": instance,
        "h": "/home/ec2-user",
        "t": "/run",
        "u": "ec2-user",
        "U": "1000",
        "%": "%",
    }
    return re.sub(r"%(.)", lambda m: table.get(m.group(1), m.group(0)), value)


def load(name: str) -> Unit:
    """Reads a unit and its drop-ins."""
    fragment, drop_ins = _files(name)
    unit = Unit(name, fragment, drop_ins, stamp=stamp_of(name))
    for path in [fragment, *drop_ins]:
        text = re.sub(r"\\\n", " ", path.read_text())
        for raw in text.splitlines():
            line = raw.strip()
            if not line or line[0] in "#;[":
                continue
            key, _, value = (part.strip() for part in line.partition("="))
            value = _specifiers(value, name)
            if key == "TimeoutSec":
                unit.values["TimeoutStartSec"] = unit.values["TimeoutStopSec"] = [value]
            elif key not in LISTS:
                unit.values[key] = [value]
            elif not value:
                unit.values[key] = []
            else:
                unit.values.setdefault(key, []).append(value)
            if key not in SUPPORTED and key not in unit.unsupported:
                unit.unsupported.append(key)
    return unit
