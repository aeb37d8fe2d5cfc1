"""Find what a run's kNN accuracy is measured by: chance, and the best of the runs that were measured alike."""

from __future__ import annotations

from collections.abc import Iterable

from simclr_tui.catalog.row import Row
from simclr_tui.store.comparable import measured_differently, row_left_out
from simclr_tui.store.data_facts import read_data_facts
from simclr_tui.store.run import Run


def knn_references(run: Run, rows: Iterable[Row]) -> dict[str, float]:
    """Return accuracies (0–1) by name: `chance`, the share of the largest class, and `best: NAME` of another run.

    `rows` are those of the store. A run whose result does not count or was measured on other images is no reference.
    """
    found: dict[str, float] = {}
    facts = read_data_facts(run.path)
    if facts is not None and facts.classes:
        found["chance"] = max(facts.classes.values()) / sum(facts.classes.values())
    known = sorted((row for row in rows if row["knn_best"] is not None), key=lambda row: row["knn_best"], reverse=True)
    mine = next((row for row in known if row["name"] == run.name), None)
    if mine is None:
        return found
    for row in known:
        if row is not mine and not row_left_out(row) and not measured_differently("knn", [mine, row]):
            return found | {f"best: {row['name']}": row["knn_best"]}
    return found
