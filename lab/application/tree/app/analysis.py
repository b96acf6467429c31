"""Uploaded tables: kept in the session as a DataFrame, as ChatMRPT does."""

from __future__ import annotations

import numpy as np
import pandas as pd
from flask import Blueprint, Response, jsonify, request, session

pages = Blueprint("analysis", __name__)


def generated(rows: int) -> pd.DataFrame:
    """A table of wards, the same for the same number of rows."""
    random = np.random.default_rng(rows)
    return pd.DataFrame(
        {
            "ward": [f"ward-{number:05d}" for number in range(rows)],
            "cases": random.integers(0, 500, rows),
            "rainfall": random.normal(120.0, 30.0, rows).round(3),
            "surveyed": pd.date_range("2025-01-01", periods=rows, freq="h"),
            "state": pd.Categorical(random.choice(["Kano", "Osun", "Kwara"], rows)),
        }
    )


@pages.post("/upload")
def upload() -> tuple[Response, int]:
    """Takes a CSV file (`file`) or makes a table of `rows` rows, and keeps it in the session."""
    if "file" in request.files:
        try:
            frame = pd.read_csv(request.files["file"].stream)
        except (ValueError, UnicodeDecodeError) as error:
            return jsonify(error=str(error)), 400
    else:
        rows = request.form.get("rows", "100")
        if not rows.isdigit() or not 0 < int(rows) <= 200_000:
            return jsonify(error="`rows` is a number from 1 to 200000"), 400
        frame = generated(int(rows))
    session["frame"] = frame
    session["cases_mean"] = frame["cases"].mean() if "cases" in frame else None
    return jsonify(rows=len(frame), columns=list(frame.columns)), 200


@pages.get("/frame")
def describe() -> tuple[Response, int]:
    """Describes the table: shape, column types, and a checksum that changes when any value does."""
    frame = session.get("frame")
    if frame is None:
        return jsonify(error="nothing was uploaded"), 404
    checksum = int(pd.util.hash_pandas_object(frame, index=True).sum())
    return jsonify(
        kind=type(frame).__name__,
        rows=len(frame),
        columns={name: str(kind) for name, kind in frame.dtypes.items()},
        checksum=f"{checksum & 0xFFFFFFFFFFFFFFFF:016x}",
    ), 200
