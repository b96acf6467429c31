"""What somebody else left in Redis under a session's key.

By default it is as good as nothing: the old store is asked, and saving the session replaces the value. If told so,
what Flask-Session 0.7 and 0.8 wrote themselves (MessagePack or JSON) is read. Their older pickles are recognised by not
being either, and are never unpickled: whoever can write to Redis could run code here.
"""

from __future__ import annotations

from typing import Any, Optional


def read(payload: bytes) -> Optional[dict[str, Any]]:
    """A session that Flask-Session wrote by msgspec; None if this is not one, or msgspec is not installed."""
    try:
        import msgspec
    except ImportError:
        return None
    for decoder in (msgspec.msgpack.decode, msgspec.json.decode):
        try:
            value = decoder(payload)
        except Exception:  # Hostile bytes: a DecodeError as documented, a RecursionError too.
            continue
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return value
    return None
