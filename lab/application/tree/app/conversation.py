"""A count per user, kept in the session: wrong as soon as one worker does not see what another wrote."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, session

pages = Blueprint("conversation", __name__)


@pages.get("/counter")
def read() -> Response:
    """How many messages this user has sent."""
    return jsonify(count=session.get("count", 0))


@pages.post("/counter")
def increase() -> Response:
    """Counts one more message."""
    session["count"] = session.get("count", 0) + 1
    return jsonify(count=session["count"])
