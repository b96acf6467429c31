"""Imports one module and says how that went: one line of JSON. What the module prints goes elsewhere."""

import importlib
import json
import os
import sys
import traceback

answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
name = sys.argv[1]


def version(module):
    try:
        from importlib import metadata
    except ImportError:  # before Python 3.8
        return getattr(module, "__version__", None)
    top = name.split(".")[0]
    candidates = [top, top.replace("_", "-")]
    if hasattr(metadata, "packages_distributions"):  # since Python 3.10
        candidates = metadata.packages_distributions().get(top, []) + candidates
    for candidate in candidates:
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return getattr(module, "__version__", None)


result = {"version": None, "problem": None}
try:
    found = version(importlib.import_module(name))
    result["version"] = None if found is None else str(found)
except BaseException:  # a module may call sys.exit
    kind, value, _ = sys.exc_info()
    lines = "".join(traceback.format_exception_only(kind, value)).strip().splitlines()
    result["problem"] = lines[-1] if lines else kind.__name__
answer.write(json.dumps(result) + "\n")
answer.flush()
os._exit(0)  # threads a module has started must not keep this process
