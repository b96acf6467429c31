"""Program: reports what the session bridge's processes logged last, as one line of JSON.

Argument: the metrics file. Its last 8 MiB are read, which are days of a quiet site and hours of a busy one; every line
holds totals, so the last one of each process is enough. Reading 8 MiB takes 10 ms.
"""

import json
import sys
from typing import Any, Dict, List

# What is read of the file's end, in bytes.
MAX_BYTES = 8 << 20
PREFIX = b"migrate_sessions "
TOTALS = ("pid", "reads", "falls", "damaged", "unserializable", "old_failures")


def last_totals(text: bytes) -> List[Dict[str, int]]:
    """The last line's totals of each process, the process that logged last at the end.

    A line that cannot be read is passed over. What follows the last newline is not whole.
    """
    last: Dict[bytes, Dict[str, int]] = {}
    # From the end, so that only one line of each process is parsed.
    for line in reversed(text.split(b"\n")[:-1]):
        if not line.startswith(PREFIX + b'{"pid": '):
            continue
        pid = line[len(PREFIX) + 8 :].split(b",", 1)[0]
        if pid in last:
            continue
        try:
            totals = json.loads(line[len(PREFIX) :].decode())
            last[pid] = {name: int(totals[name]) for name in TOTALS}
        except (ValueError, KeyError, TypeError):
            continue
    return list(reversed(list(last.values())))


def bridge_log(path: str) -> Dict[str, Any]:
    """The answer about the file at a path."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MAX_BYTES))
            text = file.read(MAX_BYTES)
    except FileNotFoundError:
        return {"exists": False, "processes": []}
    return {"exists": True, "processes": last_totals(text)}


if __name__ == "__main__":
    print(json.dumps(bridge_log(sys.argv[1])))
