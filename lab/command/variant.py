"""`lab variant`: makes the application on a host misbehave in a chosen way, or behave again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from command import lifecycle

# What the application knows: application/tree/app/variants.py.
NAMES = (
    "healthy",
    "slower",
    "leaks",
    "per-worker",
    "bleeds",
    "crashes",
    "stalls",
    "late-import-error",
    "strays",
    "fails-to-start",
    "broken",
    "fails-with-a-cookie",
    "forgets",
)

_SHOW = "sed -n 's/^VARIANT=//p' ChatMRPT/.env | grep . || echo healthy"
# The setting is the application's own: a copy that is made afterwards has it, too.
_SET = """
set -e
sed -i '/^VARIANT=/d' ChatMRPT/.env
[ "$1" = healthy ] || printf 'VARIANT=%s\\n' "$1" >>ChatMRPT/.env
# Variants are changed more often than systemd lets a unit start by itself.
sudo -n systemctl reset-failed chatmrpt
sudo -n systemctl restart chatmrpt
for i in $(seq 100); do curl -sf -o /dev/null --max-time 2 http://127.0.0.1:8080/ping && exit 0; sleep 0.1; done
echo 'the application does not answer' >&2; exit 1
"""


# Releases are made of the tree: what only they have lies beside it, in a directory that the application writes into.
_SET_OF_RELEASES = "mkdir -p ChatMRPT/instance && printf '%s\n' NAME >ChatMRPT/instance/variant-of-releases"


def run(directory: Path, host: str, name: str | None, of_releases: bool) -> int:
    """Shows or sets the variant of the application on a host, or of the releases that will be made there."""
    if name is not None and name.partition(":")[0] not in NAMES:
        raise lifecycle.LabError(f"no variant {name!r}; there are: {', '.join(NAMES)}")
    script = _SHOW if name is None else f"set -- {name}\n{_SET}"
    if of_releases:
        script = _SET_OF_RELEASES.replace("NAME", name or "healthy")
    words = ["ssh", "-F", str(directory / "ssh_config"), host, script]
    line = lifecycle.command_line(directory, words)
    return subprocess.run(line, env={**os.environ, **lifecycle.environment(directory)}).returncode
