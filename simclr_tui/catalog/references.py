"""Find what a run's kNN accuracy is measured by: chance, and the best of the runs that were measured alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from simclr_tui.catalog.row import Row
from simclr_tui.store.comparable import measured_by, row_left_out
from simclr_tui.store.data_facts import read_data_facts
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.store.run import Run

Kind = tuple[Any, ...]
"""What a kNN accuracy was measured on and by; two runs of one kind can be compared."""


def knn_kind(row: Mapping[str, Any]) -> Kind:
    """Return the kind of a row's kNN accuracy."""
    return tuple(map(row.get, measured_by(METRICS["knn"].within)))


def best_of_kinds(rows: Iterable[Row]) -> dict[Kind, Row]:
    """Return the run with the best kNN accuracy of each kind, among those that finished and are healthy.

    Of equals the oldest wins. A kind of one run alone has no best: there is nothing to be better than.
    """
    counted: dict[Kind, list[Row]] = {}
    for row in rows:
        accuracy = row.get("knn_best")
        if isinstance(accuracy, int | float) and math.isfinite(accuracy) and not row_left_out(row):
            counted.setdefault(knn_kind(row), []).append(row)
    return {kind: max(known, key=_better) for kind, known in counted.items() if len(known) > 1}


def _better(row: Row) -> tuple[float, float]:
    return row["knn_best"], -(row.get("created") or 0.0)


def knn_references(run: Run, rows: Iterable[Row]) -> dict[str, float]:
    """Return accuracies (0–1) by name: `chance`, the share of the largest class, and `best: NAME` of another run.

    `rows` are those of the store. A run whose result does not count or was measured on other images is no reference.
    """
    found: dict[str, float] = {}
    facts = read_data_facts(run.path)
    if facts is not None and facts.classes:
        found["chance"] = max(facts.classes.values()) / sum(facts.classes.values())
    rows = list(rows)
    mine = next((row for row in rows if row["name"] == run.name), None)
    if mine is None or mine.get("knn_best") is None:
        return found
    kind = knn_kind(mine)
    others = [row for row in rows if row["name"] != run.name and knn_kind(row) == kind and not row_left_out(row)]
    best = max((row for row in others if row["knn_best"] is not None), key=lambda row: row["knn_best"], default=None)
    return found if best is None else found | {f"best: {best['name']}": best["knn_best"]}
