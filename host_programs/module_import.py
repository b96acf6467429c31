"""Program: imports one module and reports its version or why that failed, as one line of JSON.

Argument: the module's name. What the module prints goes to standard error.
"""

import importlib
import json
import os
import sys
import traceback
from types import ModuleType
from typing import Any, Dict, List, Optional


def distribution_candidates(name: str, distributions: Dict[str, List[str]]) -> List[str]:
    """The distributions that may have installed a module: those that are known to, then those of a similar name."""
    top = name.split(".")[0]
    return [*distributions.get(top, []), top, top.replace("_", "-")]


def version_of(name: str, module: ModuleType) -> Any:
    """A module's version: its distribution's, or what the module says itself."""
    own = getattr(module, "__version__", None)
    try:
        from importlib import metadata
    except ImportError:  # before Python 3.8
        return own
    # packages_distributions: since Python 3.10
    distributions = metadata.packages_distributions() if hasattr(metadata, "packages_distributions") else {}
    for candidate in distribution_candidates(name, distributions):
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return own


def imported(name: str) -> Dict[str, Optional[str]]:
    """The version of a module, or the last line of what its import raised."""
    try:
        version = version_of(name, importlib.import_module(name))
        return {"version": None if version is None else str(version), "problem": None}
    except BaseException:  # a module may call sys.exit
        kind, value, _ = sys.exc_info()
        lines = "".join(traceback.format_exception_only(kind, value)).strip().splitlines()
        return {"version": None, "problem": lines[-1] if lines else kind.__name__}


def report(name: str) -> None:
    """Prints the answer and ends this process, whatever threads the module has started."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    answer.write(json.dumps(imported(name)) + "\n")
    answer.flush()
    os._exit(0)


if __name__ == "__main__":
    report(sys.argv[1])
