"""The command line of the census, see the package."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import warnings
from pathlib import Path

# Before numpy is imported: each of its threads takes memory, and none is needed.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from .report import Limits, report  # noqa: E402

_MEMORY = 4 << 30


def main() -> int:
    """Counts and prints; the status is 2 if there is nothing to count in."""
    parser = argparse.ArgumentParser(prog="python -m migrate_sessions.census", description="Counts file sessions.")
    parser.add_argument("--application", required=True, type=Path, metavar="DIR", help="the application's directory")
    application = parser.parse_args().application
    if not application.is_dir():
        sys.stderr.write(f"migrate_sessions.census: there is no directory {application}\n")
        return 2
    warnings.simplefilter("ignore")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY if hard == resource.RLIM_INFINITY else min(hard, _MEMORY)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    sys.stdout.write(json.dumps(report(application.absolute(), Limits())) + "\n")
    return 0


raise SystemExit(main())
