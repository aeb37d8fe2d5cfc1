"""What may be averaged and what may be called better: the one place that lists, comparisons and sweeps ask.

A figure says something about a recipe only where the run has come to its end in health, and something about two
recipes only where both were measured alike.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from simclr_tui.recipe.fields import fields
from simclr_tui.store.metrics.metric_table import METRICS, Within

UNHEALTHY = ("diverged", "collapsed")
"""Flags of a run whose figures say nothing of its recipe's worth."""


def why_left_out(state: str, flags: Collection[str]) -> str:
    """Return in a word why a run is neither averaged nor crowned; empty where it has finished in health."""
    bad = next((flag for flag in UNHEALTHY if flag in flags), "")
    return bad or ("" if state == "finished" else state)


def row_left_out(row: Mapping[str, Any]) -> str:
    """Return the same for a row of the catalog."""
    return why_left_out(str(row.get("state") or ""), str(row.get("flags") or "").split(","))


@cache
def measured_by(within: Within) -> tuple[str, ...]:
    """Return the short names of the fields that must agree between two runs for such a metric to compare them.

    An accuracy while training is of the same images, bank and k; one after it of the same data. A loss is of one
    objective, over equally many negatives and the same views of the same images.
    """
    if within in ("labels", "test"):
        return ("data", "subset", "knn_k", "knn_on") if within == "labels" else ("data", "subset")
    if within == "loss":
        groups = ("data", "views", "objective")
        return (*(item.short for item in fields() if item.group in groups), "bs")
    return ()


def measured_differently(metric: str, recipes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the fields (short names) in which runs differ so that a metric cannot compare them; empty where it can.

    A `recipe` is a mapping with every field under its short name: a row of the catalog is one.
    """
    known = list(recipes)
    names = measured_by(METRICS[metric].within) if metric in METRICS else ()
    return tuple(name for name in names if any(one.get(name) != known[0].get(name) for one in known[1:]))


def comparable_values(
    metric: str, rows: Sequence[Mapping[str, Any]], left_out: Callable[[Mapping[str, Any]], str] = row_left_out
) -> tuple[list[Any], tuple[str, ...]]:
    """Return a metric's values of the rows that have finished in health, and why they cannot be averaged: the fields in
    which the measurements differ (empty where they can)."""
    sound = [row for row in rows if not left_out(row) and row.get(metric) is not None]
    return [row[metric] for row in sound], measured_differently(metric, sound)


def knn_images(facts: Mapping[str, Any]) -> int:
    """Return how many images a run's kNN is measured on, from the facts of its state; 0 where that is not known.

    A run of 0.1 measured it on all test images, and said only how many those are.
    """
    return int(facts.get("knn_images", facts.get("test_images", 0)))
