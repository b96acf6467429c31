"""Unpickling that imports nothing of the application and calls nothing but constructors of known types.

A pickle says which classes and functions to import and what to call them with. Here, the types that the bridge can
keep, and some that lie close to them, are what they are; for everything else there is a stand-in of the same name,
which takes whatever it is given and does nothing.
"""

from __future__ import annotations

import pickle
import re
from datetime import tzinfo
from importlib import import_module
from typing import Any, BinaryIO

_BUILTINS = [
    "Ellipsis", "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object",
    "range", "set", "slice", "str", "tuple", "xrange",
]  # fmt: skip
_PLAIN = {
    "builtins": _BUILTINS,
    "__builtin__": _BUILTINS,
    "_codecs": ["encode"],
    "collections": ["Counter", "OrderedDict", "defaultdict", "deque"],
    "copyreg": ["_reconstructor"],
    "copy_reg": ["_reconstructor"],
    "datetime": ["date", "datetime", "time", "timedelta", "timezone"],
    "decimal": ["Decimal"],
    "fractions": ["Fraction"],
    "ipaddress": ["IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network"],
    "markupsafe": ["Markup"],
    "uuid": ["SafeUUID", "UUID"],
    "zoneinfo": ["ZoneInfo"],
}
_FUNCTIONS = {
    "numpy": re.compile(r"numpy\.(_core|core)\.(multiarray\.(_reconstruct|scalar)|numeric\._frombuffer)\Z"),
    "pandas": re.compile(r"pandas\.(core\.indexes|_libs)\.[\w.]*\.(_new_\w*Index|\w*_unpickle\w*)\Z"),
    "pyarrow": re.compile(r"pyarrow\.lib\.(_restore_array|chunked_array|py_buffer|type_for_alias)\Z"),
    "pytz": re.compile(r"pytz\._(p|UTC)\Z"),
}
_ROOTS = (*_FUNCTIONS, "dateutil")
_LONGEST_NAME = 200


class StandIn:
    """An object of a type, or a result of a function, that is not imported here."""

    def __new__(cls, *arguments: Any, **named: Any) -> StandIn:
        """Takes anything."""
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        """What a list has; and, under their names, a set."""

    extend = add = append


class RestrictedUnpickler(pickle.Unpickler):
    """Unpickles one session. Raises whatever pickle raises."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._stand_ins: dict[tuple[str, str], type] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The type or function itself if it is known, else a stand-in."""
        if module in ("builtins", "__builtin__") and name == "getattr":
            return _attribute
        if _known(module, name):
            return super().find_class(module, name)
        found = self._stand_ins.get((module, name))
        if found is None:
            named = {"__module__": module[:_LONGEST_NAME], "__qualname__": name[:_LONGEST_NAME]}
            found = self._stand_ins[module, name] = type("StandIn", (StandIn,), named)
        return found


def _attribute(owner: Any, name: str) -> Any:
    """Of attributes, one constructor; of a stand-in's, as of an enumeration's, an object of it."""
    if isinstance(owner, type) and issubclass(owner, StandIn):
        return owner()
    if getattr(owner, "__name__", None) == "ZoneInfo" and name == "_unpickle":
        return owner._unpickle
    raise pickle.UnpicklingError("an attribute that is not looked up here")


def _known(module: str, name: str) -> bool:
    if name in _PLAIN.get(module, ()):
        return True
    root = module.partition(".")[0]
    if root not in _ROOTS or not name.isidentifier():
        return False
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return False
    function = _FUNCTIONS.get(root)
    if function is not None and function.match(f"{module}.{name}"):
        return True
    # `pandas.NA` is one object, and pickled by its name.
    return _is_harmless(root, found) if isinstance(found, type) else type(found).__name__ == "NAType"


def _is_harmless(root: str, kind: type) -> bool:
    """Whether it is one of the library's types that do nothing when they are made."""
    if root in ("dateutil", "pytz"):
        return issubclass(kind, tzinfo)
    if root == "pyarrow":
        return issubclass(kind, import_module("pyarrow").DataType)
    import numpy as np

    if root == "numpy":
        # Of arrays, the one that opens files is none of them.
        return issubclass(kind, (np.generic, np.dtype, np.ndarray)) and not issubclass(kind, np.memmap)
    import pandas as pd
    from pandas._libs.sparse import SparseIndex
    from pandas.core.internals.managers import BlockManager, SingleBlockManager

    tables = (pd.DataFrame, pd.Series, pd.Index, BlockManager, SingleBlockManager, SparseIndex)
    parts = (pd.api.extensions.ExtensionArray, pd.api.extensions.ExtensionDtype, pd.offsets.BaseOffset)
    return issubclass(kind, (*tables, *parts, pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval))
