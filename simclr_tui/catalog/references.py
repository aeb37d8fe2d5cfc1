"""Find what a run's kNN accuracy is measured by: chance, the largest class, and the best run measured alike."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Any, TypeVar

from simclr_tui.catalog.row import Row
from simclr_tui.errors import UnansweredError
from simclr_tui.store.comparable import are_others, knn_digest, measured_by, row_left_out
from simclr_tui.store.data_facts import read_data_facts
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.store.run import Run

_T = TypeVar("_T")

UNEVEN = 0.005  # half a point between chance and the largest class's share: less, and one line stands for both
Kind = tuple[Any, ...]
"""What a kNN accuracy was measured on and by; two runs of one kind can be compared if the images were the same."""
Ranked = Mapping[Kind, Mapping[str, list[Row]]]
"""The best runs by kind and, where held-out images changed between the runs of one kind, by these images' digest."""


def knn_kind(row: Mapping[str, Any]) -> Kind:
    """Return the kind of a row's kNN accuracy."""
    return tuple(map(row.get, (*measured_by(METRICS["knn"].within), "knn_images")))


def ranked_by_kind(rows: Iterable[Row]) -> Ranked:
    """Return the two runs with the best kNN accuracies of each kind, among those that finished and are healthy.

    Of equals the oldest comes first. A kind of one run has that one alone. See `by_images` for the digests.
    """
    counted: dict[Kind, dict[str, list[Row]]] = {}
    for row in rows:
        if is_ranked(row):
            counted.setdefault(knn_kind(row), {}).setdefault(knn_digest(row), []).append(row)
    return {
        kind: {
            digest: nlargest(2, [row for members in alike for row in members], key=_better)
            for digest, alike in by_images(found).items()
        }
        for kind, found in counted.items()
    }


def by_images(found: Mapping[str, _T]) -> dict[str, list[_T]]:
    """Return what belongs together, of runs of one kind by the digest of the images that each was measured on.

    Where only one digest is known, a run of which none is known ('') counts among its runs: it is of the same data.
    Where several are, nobody knows which it belongs to, and it stands apart.
    """
    if are_others(found):
        return {digest: [members] for digest, members in found.items()}
    return {max(found): list(found.values())}


def ranked_with(ranked: Ranked, row: Row) -> list[Row]:
    """Return the best runs whose kNN accuracies a row's can be compared with."""
    known, digest = ranked.get(knn_kind(row), {}), knn_digest(row)
    if digest in known or len(known) != 1:
        return known.get(digest, [])
    (only,) = known
    return [] if are_others((only, digest)) else known[only]


def best_runs(ranked: Ranked) -> frozenset[str]:
    """Return the names of the best run of each kind. One that is alone is not: there is nothing to be better than."""
    return frozenset(best[0]["name"] for kind in ranked.values() for best in kind.values() if len(best) > 1)


def same_ranks(before: Sequence[Row], now: Sequence[Row]) -> bool:
    """Return whether two listings in a row rank the same runs: what trains or waits changes, and counts for neither.

    Rows that did not change are the same objects.
    """
    changed = (pair for pair in zip(before, now, strict=False) if pair[0] is not pair[1])
    return len(before) == len(now) and not any(is_ranked(row) for pair in changed for row in pair)


def is_ranked(row: Row) -> bool:
    """Return whether a run has a kNN accuracy, finished and is healthy."""
    return row["knn_best"] is not None and math.isfinite(row["knn_best"]) and not row_left_out(row)


def _better(row: Row) -> tuple[float, float]:
    return row["knn_best"], -(row.get("created") or 0.0)


def knn_references(run: Run, row: Row | None, ranked: Ranked) -> dict[str, float]:
    """Return accuracies (0–1) by name: `chance`, `largest class` where classes are uneven, and `best: NAME`.

    Chance is one in as many classes; always naming the largest class reaches its share. `row` is the run's own,
    `ranked` the best of the store. A run whose result does not count or was measured on other images is no reference.
    """
    found: dict[str, float] = {}
    facts = None
    with contextlib.suppress(UnansweredError):
        facts = read_data_facts(run.path)
    counts = [] if facts is None else [count for count in facts.classes.values() if count]
    if counts:
        chance, largest = 1 / len(counts), max(counts) / sum(counts)
        found["chance"] = chance
        if largest - chance >= UNEVEN:
            found["largest class"] = largest
    if row is None or row["knn_best"] is None:
        return found
    best = next((other for other in ranked_with(ranked, row) if other["name"] != row["name"]), None)
    return found if best is None else found | {f"best: {best['name']}": best["knn_best"]}
