"""The unit's drop-in: workers and successors of the main process may notify the service manager (systemd.exec(5)).

Changes nothing.
"""

from host_programs.release.processes import properties

SYSTEM = "/etc/systemd/system"


def drop_in_path(unit: str) -> str:
    """The drop-in's path."""
    return "%s/%s.d/migrate.conf" % (SYSTEM, unit)


def is_in_force(unit: str) -> bool:
    """Whether the service manager has read the drop-in, and no other one overrides it."""
    found = properties(unit, "NotifyAccess", "DropInPaths")
    return found.get("NotifyAccess") == "all" and drop_in_path(unit) in found.get("DropInPaths", "").split()
