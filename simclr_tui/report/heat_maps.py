"""Choose what a heat map shows: the accuracies of compared runs, or of a sweep's trials, by two of their fields."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simclr_tui.catalog.compare import Comparison
from simclr_tui.display.heat_map import Line, Pair, draw_heat_map
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.results import TrialResult, best_trial, importances

_LEAST = 4  # different pairs of values that have an accuracy, at least
_FILLED = 0.5  # of the cells, at least: of values drawn at random, no two runs share any
_MOST_VALUES = 8  # of a sweep's field


def comparison_heat_map(comparison: Comparison, width: int) -> list[Line]:
    """Return the map of the last kNN, by which the runs are judged; empty unless they differ in exactly two fields.

    Seeds do not count as a field, and runs that failed or collapsed have no value. There is no map where
    the accuracies cannot be compared, as over different data: no shade would be better than another.
    """
    fields = [name for name in comparison.differences if name != "seed"]
    measure = next((one for one in comparison.measures if one.name == "knn"), None)
    if len(fields) != 2 or measure is None or not measure.comparable:
        return []
    found: dict[Pair, list[float]] = {}
    pairs = zip(*(comparison.differences[name] for name in fields), strict=True)
    for pair, value, left_out in zip(pairs, measure.values, comparison.left_out, strict=True):
        if value is not None and math.isfinite(value) and not left_out:
            found.setdefault(pair, []).append(value)
    return draw_heat_map(fields[0], fields[1], found, width=width) if _is_telling(found) else []


def sweep_heat_map(sweep: Sweep, results: Sequence[TrialResult], width: int) -> list[Line]:
    """Return the map over the two fields that matter most; empty where too few pairs of their values are known.

    It is empty too where the trials were measured differently. Fields of many values are left to the plots by value.
    """
    if best_trial(results) is None:
        return []
    scored = [result for result in results if result.mean is not None]
    values = {name: {result.values.get(name) for result in scored} for name in sweep.varied}
    able = [name for name in sweep.varied if 1 < len(values[name]) <= _MOST_VALUES]
    shares = importances(sweep, results)
    most = sorted(able, key=lambda name: -(shares.get(name) or 0.0))[:2]
    if len(most) < 2:
        return []
    down, across = (name for name in sweep.varied if name in most)
    found: dict[Pair, list[float]] = {}
    for result in scored:
        found.setdefault((result.values.get(down), result.values.get(across)), []).append(result.mean or 0.0)
    return draw_heat_map(down, across, found, width=width, of="trial") if _is_telling(found) else []


def _is_telling(found: dict[Pair, list[float]]) -> bool:
    rows, columns = ({pair[side] for pair in found} for side in (0, 1))
    return len(found) >= max(_LEAST, _FILLED * len(rows) * len(columns))
