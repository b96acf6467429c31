"""Writes scipy.json, what SciPy says about the samples in here, for tests/evidence/scipy.rs to compare with.

python3 -m venv /tmp/scipy && /tmp/scipy/bin/pip install scipy
/tmp/scipy/bin/python tests/evidence/scipy_oracle.py
"""

from __future__ import annotations

import json
import math
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import scipy
from scipy.stats import binomtest, mannwhitneyu, norm, theilslopes

MOST_PAIRS_COUNTED = 400
CONFIDENCE = 0.95


@cache
def arrangements(m: int, n: int, wins: int) -> int:
    """How many orders of m and n observations have so many wins (Mann and Whitney's recurrence)."""
    if wins < 0:
        return 0
    if m == 0 or n == 0:
        return int(wins == 0)
    return arrangements(m - 1, n, wins - n) + arrangements(m, n - 1, wins)


def outer_rank(m: int, n: int) -> int:
    """The rank of the lower bound among the sorted differences, 0 when there is none."""
    if m * n > MOST_PAIRS_COUNTED:
        deviation = math.sqrt(m * n * (m + n + 1) / 12)
        return math.floor(m * n / 2 - norm.ppf(0.5 + CONFIDENCE / 2) * deviation)
    total, so_far, rank = math.comb(m + n, m), 0, 0
    while (so_far := so_far + arrangements(m, n, rank)) / total <= (1 - CONFIDENCE) / 2:
        rank += 1
    return rank


def shift(first: list[float], second: list[float]) -> list[float] | None:
    """Lower bound, Hodges-Lehmann estimate, upper bound; from all differences, sorted."""
    if not first or not second or (rank := outer_rank(len(first), len(second))) < 1:
        return None
    differences = np.sort(np.subtract.outer(np.array(second), np.array(first)).ravel())
    return [differences[rank - 1], float(np.median(differences)), differences[-rank]]


def rounded(values: np.ndarray, digits: int) -> list[float]:
    """The values, with so many digits after the point."""
    return [float(value) for value in np.round(values, digits)]


def case(name: str, first: list[float], second: list[float]) -> dict[str, object]:
    """One pair of samples and everything about it."""
    pooled = first + second
    ties = len(set(pooled)) < len(pooled)
    exact = not ties and len(first) * len(second) <= MOST_PAIRS_COUNTED
    method = "exact" if exact else "asymptotic"
    answers: dict[str, float | None] = {}
    for alternative in ("two-sided", "greater", "less"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = mannwhitneyu(second, first, alternative=alternative, method=method, use_continuity=True)
        answers[alternative] = None if math.isnan(result.pvalue) else float(result.pvalue)
        answers["wins"] = None if math.isnan(result.statistic) else float(result.statistic)
    return {
        "name": name,
        "first": first,
        "second": second,
        "exact": exact,
        **answers,
        "shift": shift(first, second),
    }


def cases() -> list[dict[str, object]]:
    """Ties, equal samples, tiny ones, an empty one, constants, and ordinary ones of all sizes."""
    random = np.random.default_rng(20250729)
    found = [
        case("both empty", [], []),
        case("one empty", [], [1.0, 2.0]),
        case("the other empty", [1.0, 2.0], []),
        case("one against one", [1.0], [2.0]),
        case("one against one, equal", [1.0], [1.0]),
        case("two against three", [1.0, 5.0], [2.0, 3.0, 9.0]),
        case("four against four, apart", [1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]),
        case("four against four, the other way", [5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0]),
        case("equal samples", [float(n) for n in range(1, 31)], [float(n) for n in range(1, 31)]),
        case("the same constant", [7.0] * 12, [7.0] * 9),
        case("two constants", [7.0] * 12, [8.0] * 9),
        case("one constant", [7.0] * 12, rounded(random.normal(7, 1, 15), 3)),
        case("one outlier", [*rounded(random.normal(40, 4, 15), 3), 9000.0], rounded(random.normal(40, 4, 16), 3)),
        case("negative and zero", [-3.0, -0.5, 0.0, 2.5, 4.0], [-2.0, 0.25, 0.5, 3.0, 5.0, 6.0]),
    ]
    for m, n in ((3, 3), (5, 4), (8, 8), (10, 12), (20, 20), (1, 40), (2, 100)):
        found.append(
            case(f"{m} against {n}, no ties", rounded(random.normal(40, 8, m), 6), rounded(random.normal(43, 8, n), 6))
        )
    for m, n in ((20, 21), (30, 50), (120, 90), (200, 300)):
        found.append(
            case(
                f"{m} against {n}, no ties",
                rounded(random.lognormal(3, 0.4, m), 9),
                rounded(random.lognormal(3.05, 0.4, n), 9),
            )
        )
        found.append(
            case(
                f"{m} against {n}, many ties",
                rounded(random.normal(10, 2, m), 0),
                rounded(random.normal(10.5, 2, n), 0),
            )
        )
    found.append(case("tiny with ties", [1.0, 1.0, 2.0], [1.0, 2.0, 2.0, 3.0]))
    return found


def proportions() -> list[dict[str, object]]:
    """Wilson's intervals."""
    found = []
    for hits, of in ((0, 1), (1, 1), (0, 50), (1, 50), (3, 1000), (500, 1000), (999, 1000), (7, 100_000)):
        for confidence in (0.9, 0.95, 0.99):
            interval = binomtest(hits, of).proportion_ci(confidence, method="wilson")
            found.append({"hits": hits, "of": of, "confidence": confidence, "low": interval.low, "high": interval.high})
    return found


def slope(name: str, x: list[float], y: list[float], confidence: float = CONFIDENCE) -> dict[str, object]:
    """Theil-Sen's slope and Sen's interval; no interval where SciPy takes the outermost slopes for want of others."""
    deltas = np.subtract.outer(np.array(x), np.array(x))
    pairs = int(np.sum(deltas > 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = theilslopes(y, x, confidence)
    row: dict[str, object] = {"name": name, "x": x, "y": y, "confidence": confidence, "pairs": pairs}
    row["slope"] = None if math.isnan(found.slope) else float(found.slope)
    row["low"] = row["high"] = None
    if reach_is_within(x, y, pairs, confidence):
        row["low"], row["high"] = float(found.low_slope), float(found.high_slope)
    return row


def reach_is_within(x: list[float], y: list[float], pairs: int, confidence: float) -> bool:
    """Whether both ranks of Sen's formula 2.6 exist."""

    def part(count: int) -> int:
        return count * (count - 1) * (2 * count + 5)

    def tied(values: list[float]) -> int:
        return sum(part(int(count)) for count in np.unique(values, return_counts=True)[1] if count > 1)

    variance = max(part(len(x)) - tied(x) - tied(y), 0) / 18
    reach = norm.ppf(0.5 + confidence / 2) * math.sqrt(variance)
    return pairs > 0 and round((pairs - reach) / 2) - 1 >= 0 and round((pairs + reach) / 2) <= pairs - 1


def slopes() -> list[dict[str, object]]:
    """Lines, noise, ties in both coordinates, a wild point, few points, and as many as are paired."""
    random = np.random.default_rng(20250730)

    def upto(count: int) -> list[float]:
        return [float(number) for number in range(count)]

    found = [
        slope("two points", [1.0, 2.0], [1.0, 4.0]),
        slope("three points", upto(3), [1.0, 4.0, 2.0]),
        slope("four points on a line", upto(4), [1.0, 3.0, 5.0, 7.0]),
        slope("ten points on a line", upto(10), [1.0 - 2.0 * number for number in range(10)]),
        slope("constant", upto(12), [5.0] * 12),
        slope("two moments", [1.0] * 6 + [2.0] * 6, rounded(random.normal(0, 1, 12), 3)),
        slope("one moment", [1.0, 1.0], [1.0, 2.0]),
        slope("negative times", [-3.0, -1.0, 0.5, 2.0, 2.5, 7.0, 9.0], [4.0, 1.0, 2.5, 2.0, 0.0, -1.0, -4.0]),
        slope("one wild point", upto(15), [*rounded(3 * np.arange(14) + random.normal(0, 1, 14), 4), 1e6]),
    ]
    for count in (5, 6, 8, 13, 21, 40, 120):
        noise = rounded(0.5 * np.arange(count) + random.normal(0, 3, count), 6)
        found.append(slope(f"{count} points, no ties", upto(count), noise))
        for confidence in (0.8, 0.99):
            found.append(slope(f"{count} points, at {confidence}", upto(count), noise, confidence))
        steps = rounded(0.05 * np.arange(count) + random.normal(0, 1, count), 0)
        found.append(slope(f"{count} points, ties in both", [float(number // 2) for number in range(count)], steps))
    return found


def main() -> None:
    """Writes the file beside this one."""
    document = {
        "scipy": scipy.__version__,
        "numpy": np.__version__,
        "cases": cases(),
        "proportions": proportions(),
        "slopes": slopes(),
    }
    path = Path(__file__).with_name("scipy.json")
    lines = [json.dumps(document[key]) for key in ("scipy", "numpy")]
    parts = [f'"scipy": {lines[0]}', f'"numpy": {lines[1]}']
    for key in ("cases", "proportions", "slopes"):
        parts.append(f'"{key}": [\n' + ",\n".join(json.dumps(item) for item in document[key]) + "\n]")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


main()
