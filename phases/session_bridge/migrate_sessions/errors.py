"""What can go wrong, as types: each is handled in exactly one place."""

from __future__ import annotations

_LONGEST_PATH = 12


class Refused(Exception):
    """The bridge cannot be installed here. The message is one sentence for the operator, without secrets."""


class BadPayload(Exception):
    """Bytes from Redis that are not a session of ours: truncated, altered, or made by somebody else."""


class StoreAway(Exception):
    """Redis did not do what was asked, in time."""


class Unserializable(TypeError):
    """A value that cannot be kept in Redis as the same type. Names the place and the type, never the value."""

    def __init__(self, reason: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path

    def under(self, step: str) -> Unserializable:
        """The same error, seen from the container one level up."""
        return Unserializable(self.reason, (step, *self.path))

    def __str__(self) -> str:
        path = self.path if len(self.path) <= _LONGEST_PATH else (*self.path[:_LONGEST_PATH], "...")
        return f"session{''.join(path)}: {self.reason}"
