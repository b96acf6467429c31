"""Settings: the tree's own `.env`, and where sessions are kept."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from dotenv import load_dotenv

TREE = Path(__file__).resolve().parent.parent


def load_settings() -> dict[str, object]:
    """The Flask configuration."""
    load_dotenv(TREE / ".env")
    return {
        "SECRET_KEY": os.environ["SECRET_KEY"],
        "MAX_CONTENT_LENGTH": 32 * 1024 * 1024,
        "SESSION_TYPE": "filesystem",
        "SESSION_FILE_DIR": str(TREE / "flask_session"),
        # cachelib throws sessions away at random above its default of 500 files.
        "SESSION_FILE_THRESHOLD": 20_000,
        "SESSION_KEY_PREFIX": "session:",
        "SESSION_PERMANENT": True,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=1),
    }


def chosen_variant() -> str | None:
    """How this application is unfit (see `variants`); None for as it should be."""
    of_releases = TREE / "instance/variant-of-releases"
    if TREE.parent.name.endswith(".releases") and TREE.name != "original" and of_releases.exists():
        return of_releases.read_text().strip()
    return os.environ.get("VARIANT")
