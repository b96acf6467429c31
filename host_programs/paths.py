"""Paths as text."""


def is_inside(path: str, directory: str) -> bool:
    """Whether a path is a directory or lies below it. Both are absolute and normalized."""
    return path == directory or path.startswith(directory + "/")
