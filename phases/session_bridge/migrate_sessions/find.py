"""Finding the application: importing what Gunicorn would, and the Flask object inside what it found."""

from __future__ import annotations

import ast
from importlib import import_module
from typing import Any, Optional

from flask import Flask

from .errors import Refused

_INNER = ("app", "wsgi_app", "application", "wrapped", "_app", "__wrapped__", "__self__")
_MAXIMUM_DEPTH = 8


def load(name: str) -> Any:
    """Imports `module:attribute` or `module:factory(arguments)`, as Gunicorn does; the default is `application`."""
    module_name, _, expression = name.partition(":")
    try:
        tree = ast.parse(expression or "application", mode="eval").body
        call = tree if isinstance(tree, ast.Call) else None
        target = ast.unparse(call.func if call else tree)
        arguments = [ast.literal_eval(argument) for argument in call.args] if call else []
        keywords = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords} if call else {}
    except (SyntaxError, ValueError):
        raise Refused(f"MIGRATE_WSGI_APP is not like module:attribute or module:factory(): {name}") from None
    module = import_module(module_name)
    found: Any = module
    try:
        for part in target.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise Refused(f"the module {module_name} has no {target}") from None
    return found(*arguments, **keywords) if call else found


def flask_in(found: Any) -> Optional[Flask]:
    """The Flask application, perhaps inside middleware; None if there is none."""
    seen: list[Any] = [found]
    for _ in range(_MAXIMUM_DEPTH):
        for candidate in seen:
            if isinstance(candidate, Flask):
                return candidate
        seen = [inner for outer in seen for name in _INNER if (inner := getattr(outer, name, None)) is not None]
    return None
