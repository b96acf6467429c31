"""What each systemctl verb does and prints: names, words and exit codes as systemd's."""

from __future__ import annotations

import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import processes
import unit_file
from execution import JOURNAL
from service import Service

if TYPE_CHECKING:
    from manager import Manager

WANTED = Path("/etc/systemd/system/multi-user.target.wants")


@dataclass
class Answer:
    """What systemctl prints, and how it exits."""

    stdout: str = ""
    stderr: str = ""
    code: int = 0


def full_name(name: str) -> str:
    """`chatmrpt` is short for `chatmrpt.service`."""
    return name if "." in name.rsplit("@", 1)[-1] or name.endswith(".service") else f"{name}.service"


def _stamp(seconds: float | None) -> str:
    return time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds)) if seconds else ""


def _monotonic(seconds: float | None) -> str:
    # systemd counts CLOCK_MONOTONIC microseconds; wall time less the difference of the two clocks now.
    return str(int((seconds - time.time() + time.monotonic()) * 1e6)) if seconds else "0"


def _usec(seconds: float) -> str:
    if seconds == float("inf"):
        return "infinity"
    minutes, rest = divmod(seconds, 60)
    parts = [f"{int(minutes)}min"] if minutes else []
    if rest >= 1 or (not parts and rest == int(rest)):
        parts.append(f"{rest:g}s")
    elif rest:
        parts.append(f"{rest * 1000:g}ms")
    return " ".join(parts)


def _exec_lines(service: Service, key: str) -> list[str]:
    lines = []
    for command in service.unit.commands(key):
        main = key == "ExecStart" and service.main_pid
        started = _stamp(service.stamps.get("ExecMainStart")) if main else ""
        lines.append(
            f"{{ path={command.argv[0]} ; argv[]={' '.join(command.argv)} ; "
            f"ignore_errors={'yes' if command.ignore_failure else 'no'} ; start_time=[{started or 'n/a'}] ; "
            f"stop_time=[n/a] ; pid={service.main_pid if main else 0} ; code=(null) ; status=0/0 }}"
        )
    return lines


def enabled_state(name: str) -> str:
    """enabled, disabled, or static."""
    if (WANTED / name).is_symlink():
        return "enabled"
    try:
        return "disabled" if unit_file.load(name).list("WantedBy") else "static"
    except unit_file.UnitNotFound:
        return ""


def properties(service: Service) -> list[tuple[str, str]]:
    """What `systemctl show` lists."""
    unit, stamps = service.unit, service.stamps
    rows = [
        ("Type", unit.get("Type") or "simple"),
        ("Restart", unit.get("Restart") or "no"),
        ("PIDFile", unit.get("PIDFile")),
        ("NotifyAccess", unit.get("NotifyAccess") or "main"),
        ("RestartUSec", _usec(unit.seconds("RestartSec", 0.1))),
        ("TimeoutStartUSec", _usec(unit.seconds("TimeoutStartSec", 90))),
        ("TimeoutStopUSec", _usec(unit.seconds("TimeoutStopSec", 90))),
        ("RemainAfterExit", "yes" if unit.flag("RemainAfterExit") else "no"),
        ("MainPID", str(service.main_pid)),
        ("ExecMainPID", str(service.main_pid)),
        ("ExecMainCode", str(service.exit_code)),
        ("ExecMainStatus", str(service.exit_status)),
        ("ExecMainStartTimestamp", _stamp(stamps.get("ExecMainStart"))),
        ("ExecMainStartTimestampMonotonic", _monotonic(stamps.get("ExecMainStart"))),
        ("StatusText", service.status_text),
        ("Result", service.result),
        ("NRestarts", str(service.restarts)),
    ]
    for key in ("ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"):
        rows += [(key, line) for line in _exec_lines(service, key)]
    environment = " ".join(unit.list("Environment"))
    files = " ".join(
        f"{name.lstrip('-')} (ignore_errors={'yes' if name.startswith('-') else 'no'})"
        for name in unit.list("EnvironmentFile")
    )
    pending = unit_file.stamp_of(unit.name) != unit.stamp
    rows += [
        ("Environment", environment),
        ("EnvironmentFiles", files),
        ("WorkingDirectory", unit.get("WorkingDirectory")),
        ("User", unit.get("User")),
        ("Group", unit.get("Group")),
        ("KillMode", unit.get("KillMode") or "control-group"),
        ("KillSignal", str(int(signal.Signals[unit.get("KillSignal") or "SIGTERM"]))),
        ("Id", unit.name),
        ("Names", unit.name),
        ("Description", unit.get("Description") or unit.name),
        ("LoadState", "loaded"),
        ("ActiveState", service.active),
        ("SubState", service.sub),
        ("FragmentPath", str(unit.fragment)),
        ("DropInPaths", " ".join(map(str, unit.drop_ins))),
        ("UnitFileState", enabled_state(unit.name)),
        ("NeedDaemonReload", "yes" if pending else "no"),
        ("InvocationID", service.invocation),
        ("CanReload", "yes" if unit.list("ExecReload") else "no"),
    ]
    for key in ("ActiveEnter", "InactiveEnter", "StateChange"):
        rows += [
            (f"{key}Timestamp", _stamp(stamps.get(key))),
            (f"{key}TimestampMonotonic", _monotonic(stamps.get(key))),
        ]
    return rows


_ABSENT = [
    ("Restart", "no"),
    ("MainPID", "0"),
    ("LoadState", "not-found"),
    ("ActiveState", "inactive"),
    ("SubState", "dead"),
    ("FragmentPath", ""),
    ("DropInPaths", ""),
    ("UnitFileState", ""),
    ("NeedDaemonReload", "no"),
    ("NRestarts", "0"),
    ("Result", "success"),
]


def _show(manager: Manager, name: str, wanted: list[str], value_only: bool) -> str:
    try:
        rows = properties(manager.service(name))
    except unit_file.UnitNotFound:
        rows = [("Id", name), ("Names", name), ("Description", name), *_ABSENT]
    if wanted:
        rows = [row for row in rows if row[0] in wanted]
    return "".join(f"{value}\n" if value_only else f"{key}={value}\n" for key, value in rows)


def _status(service: Service) -> str:
    unit = service.unit
    members = processes.session_members(service.sessions)
    lines = [
        f"● {unit.name} - {unit.get('Description') or unit.name}",
        f"     Loaded: loaded ({unit.fragment}; {enabled_state(unit.name)})",
        f"     Active: {service.active} ({service.sub}) since {_stamp(service.stamps.get('StateChange'))}",
    ]
    if service.main_pid:
        lines.append(f"   Main PID: {service.main_pid}")
    if service.status_text:
        lines.append(f'     Status: "{service.status_text}"')
    for pid in members:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        lines.append(f"             {pid} {words}")
    journal = JOURNAL / f"{unit.name}.log"
    tail = journal.read_text(errors="replace").splitlines()[-10:] if journal.exists() else []
    return "\n".join([*lines, "", *tail]) + "\n"


async def _job(manager: Manager, verb: str, service: Service) -> None:
    if verb == "start":
        await service.start()
    elif verb == "stop":
        await service.stop()
    elif verb == "reload" or (
        verb == "reload-or-restart" and service.unit.list("ExecReload") and service.active == "active"
    ):
        await service.reload()
    elif verb != "try-restart" or service.active == "active":
        await service.stop()
        await service.start()


def _enable(name: str, on: bool) -> str:
    link = WANTED / name
    if not on:
        existed = link.is_symlink()
        link.unlink(missing_ok=True)
        return f"Removed {link}.\n" if existed else ""
    target = unit_file.load(name).fragment
    WANTED.mkdir(exist_ok=True)
    if link.is_symlink():
        return ""
    link.symlink_to(target)
    return f"Created symlink {link} → {target}.\n"


async def run(manager: Manager, request: dict) -> Answer:
    """Carries out one systemctl call."""
    verb, options = request["verb"], request["options"]
    names = [full_name(name) for name in request["units"]]
    answer = Answer()
    if verb == "daemon-reload":
        manager.reload_units()
    elif verb in ("list-units", "list-unit-files"):
        for directory in unit_file.SEARCH_PATH:
            for path in sorted(directory.glob("*.service")):
                service = manager.service(path.name)
                answer.stdout += f"{path.name} loaded {service.active} {service.sub} {enabled_state(path.name)}\n"
    elif verb == "is-system-running":
        failed = any(service.active == "failed" for service in manager.services.values())
        answer.stdout, answer.code = ("degraded\n", 1) if failed else ("running\n", 0)
    elif verb == "show":
        wanted = [p for value in options.get("property", []) for p in re.split(r",", value)]
        answer.stdout = "\n".join(_show(manager, name, wanted, options.get("value", False)) for name in names)
    for name in names if verb != "show" else []:
        try:
            await _one(manager, verb, name, options, answer)
        except unit_file.UnitNotFound:
            _not_found(verb, name, answer)
    if options.get("quiet"):
        answer.stdout = ""
    return answer


async def _one(manager: Manager, verb: str, name: str, options: dict, answer: Answer) -> None:
    if verb in ("enable", "disable"):
        answer.stderr += _enable(name, verb == "enable")
        if options.get("now"):
            await _job(manager, "start" if verb == "enable" else "stop", manager.service(name))
        return
    service = manager.service(name)
    if verb == "is-active":
        answer.stdout += f"{service.active}\n"
        answer.code = 0 if service.active in ("active", "reloading") else 3
    elif verb == "is-failed":
        answer.stdout += f"{service.active}\n"
        answer.code = 0 if service.active == "failed" else 1
    elif verb == "is-enabled":
        state = enabled_state(name)
        answer.stdout += f"{state}\n"
        answer.code = 0 if state in ("enabled", "static") else 1
    elif verb == "cat":
        answer.stdout += service.unit.text()
    elif verb == "status":
        answer.stdout += _status(service)
        answer.code = 0 if service.active in ("active", "reloading") else 3
    elif verb == "kill":
        main_only = options.get("kill_whom") == "main"
        targets = [service.main_pid] if main_only else processes.session_members(service.sessions)
        number = options.get("signal") or "SIGTERM"
        processes.send(
            [pid for pid in targets if pid],
            int(number) if number.isdigit() else signal.Signals["SIG" + number.replace("SIG", "", 1)],
        )
    elif verb == "reset-failed":
        service.starts.clear()
        if service.active == "failed":
            service.set_state("inactive", "dead")
    else:
        if unit_file.stamp_of(name) != service.unit.stamp:
            answer.stderr += (
                f"Warning: The unit file, source configuration file or drop-ins of {name} changed on "
                "disk. Run 'systemctl daemon-reload' to reload units.\n"
            )
        await _job(manager, verb, service)


def _not_found(verb: str, name: str, answer: Answer) -> None:
    if verb in ("is-active", "is-failed"):
        answer.stdout += "inactive\n"
        answer.code = 3 if verb == "is-active" else 1
    elif verb == "status":
        answer.stderr += f"Unit {name} could not be found.\n"
        answer.code = 4
    elif verb == "cat":
        answer.stderr += f"No files found for {name}.\n"
        answer.code = 1
    elif verb == "is-enabled":
        answer.stderr += f"Failed to get unit file state for {name}: No such file or directory\n"
        answer.code = 1
    else:
        answer.stderr += f"Failed to {verb} {name}: Unit {name} not found.\n"
        answer.code = 1 if verb in ("enable", "disable") else 5
