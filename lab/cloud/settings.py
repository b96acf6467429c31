"""How slow the cloud is. `lab settings NAME=SECONDS` changes it while the lab runs."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class Settings:
    """All in seconds."""

    slow_creating_seconds: float = 6.0
    deleting_seconds: float = 3.0
    # How long security groups count as in use after the store is gone.
    in_use_seconds: float = 3.0

    def change(self, values: dict) -> None:
        """Takes new values, or says in ValueError which is wrong."""
        names = [field.name for field in fields(self)]
        for name, value in values.items():
            if name not in names:
                raise ValueError(f"unknown setting {name!r}; known are {', '.join(names)}")
            if not isinstance(value, (int, float)) or value < 0:
                raise ValueError(f"{name} is a number of seconds")
            setattr(self, name, float(value))
