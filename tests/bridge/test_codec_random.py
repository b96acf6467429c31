"""Random values and frames come back; random bytes never do anything but fail."""

from __future__ import annotations

import contextlib
import sys
from datetime import timezone
from typing import Any

import pytest

from migrate_sessions.codec import BadPayload, decode, encode
from same import same

hypothesis = pytest.importorskip("hypothesis")
np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

QUICK = settings(
    max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.uuids()
    | st.datetimes(timezones=st.none() | st.just(timezone.utc)) | st.timedeltas() | st.dates() | st.complex_numbers()
)  # fmt: skip
KEYS = st.text() | st.integers() | st.booleans() | st.none() | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner) | st.frozensets(KEYS),
    max_leaves=20,
)
COLUMNS = [
    st.integers(-(2**63), 2**63 - 1).map(np.int64),
    st.floats(),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.none(),
    VALUES,
    st.datetimes(),
    st.integers(0, 10**18).map(pd.Timestamp),
    st.integers(-(10**18), 10**18).map(pd.Timedelta),
]
EXTENSIONS = [None, None, None, "category", "string", "Int64", "boolean"]


@st.composite
def frames(draw: Any) -> Any:
    """A frame of any columns under any labels."""
    rows = draw(st.integers(0, 6))
    names = draw(st.lists(KEYS, max_size=5))
    data = {}
    for number in range(len(names)):
        values = draw(st.lists(draw(st.sampled_from(COLUMNS)), min_size=rows, max_size=rows))
        series = pd.Series(values, dtype=object)
        try:
            converted = series.infer_objects() if draw(st.booleans()) else series
            data[number] = converted.astype(draw(st.sampled_from(EXTENSIONS)) or converted.dtype)
        except (TypeError, ValueError, OverflowError):
            data[number] = series
    frame = pd.DataFrame(data, index=pd.RangeIndex(rows))
    frame.columns = pd.Index(names, dtype=object, tupleize_cols=False)
    if rows and draw(st.booleans()):
        frame.index = pd.Index(draw(st.lists(KEYS, min_size=rows, max_size=rows)), dtype=object, tupleize_cols=False)
    return frame


@QUICK
@given(VALUES)
def test_any_value_comes_back(value: Any) -> None:
    assert same(decode(encode(value)), value)


@QUICK
@given(frames())
def test_any_frame_comes_back(frame: Any) -> None:
    back = decode(encode(frame))
    assert list(map(repr, back.dtypes)) == list(map(repr, frame.dtypes))
    assert same(back.index, frame.index)
    assert same(back.columns, frame.columns)
    for number in range(frame.shape[1]):
        assert same(back.iloc[:, number].tolist(), frame.iloc[:, number].tolist())


@QUICK
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_decoded(data: bytes) -> None:
    with contextlib.suppress(BadPayload):
        decode(data)


SAMPLE = encode(
    {
        "frame": pd.DataFrame(
            {"a": [1, 2], "b": ["x", "y"], "c": pd.Categorical(["u", "v"]), "d": pd.array([1, None], "Int64")}
        ),
        "when": pd.Timestamp("2025-01-01", tz="Europe/Berlin"),
        "periods": pd.period_range("2025", periods=2, freq="M"),
        "multi": pd.MultiIndex.from_product([["a"], [1, 2]]),
        "sparse": pd.arrays.SparseArray([0, 1]),
        "set": {1, (2, "x")},
    }
)


@settings(QUICK, max_examples=600)
@given(st.integers(0, len(SAMPLE) - 1), st.binary(min_size=1, max_size=12))
def test_altered_bytes_are_refused_or_decoded(position: int, patch: bytes) -> None:
    altered = SAMPLE[:position] + patch + SAMPLE[position + len(patch) :]
    modules = set(sys.modules)
    with contextlib.suppress(BadPayload):
        decode(altered)
    # No payload decides what is imported, but for what numpy and pandas load when they are first used.
    assert {name.partition(".")[0] for name in set(sys.modules) - modules} <= {
        "pandas",
        "numpy",
        "zoneinfo",
        "dateutil",
        "pytz",
        "encodings",
        "tzdata",
        "importlib",
    }


def test_every_shortened_payload_is_refused() -> None:
    for length in range(len(SAMPLE)):
        with pytest.raises(BadPayload):
            decode(SAMPLE[:length])
    with pytest.raises(BadPayload):
        decode(SAMPLE + b"\0")
