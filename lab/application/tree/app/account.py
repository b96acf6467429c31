"""Signing in and out. The session keeps Python values on purpose: a set and a datetime do not survive JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, request, session

pages = Blueprint("account", __name__)


@pages.post("/login")
def login() -> tuple[Response, int]:
    """Signs a user in: form field `user`."""
    user = request.form.get("user", "").strip()
    if not user:
        return jsonify(error="the field `user` is missing"), 400
    session["user"] = user
    session["roles"] = {"analyst", "viewer"}
    session["since"] = datetime.now(UTC)
    return jsonify(user=user), 200


@pages.get("/whoami")
def whoami() -> tuple[Response, int]:
    """Says who is signed in."""
    if "user" not in session:
        return jsonify(user=None), 401
    return jsonify(user=session["user"], roles=sorted(session["roles"]), since=session["since"].isoformat()), 200


@pages.post("/logout")
def logout() -> Response:
    """Signs out and drops all the session's data."""
    session.clear()
    return jsonify(user=None)
