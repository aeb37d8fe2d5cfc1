"""The rules for which runs may be averaged or compared, shared by lists, comparisons and sweeps.

A figure says something about a recipe only if the run finished and is healthy, and about two recipes only if both
were measured in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from simclr_tui.recipe.fields import fields
from simclr_tui.store.metrics.metric_table import COLUMNS, METRICS, Within

OTHER_IMAGES = "held-out images"
"""Stands for a field where runs were measured on as many images of one data set, and on others."""
DIGESTS = {"validation": "validation_digest", "test": "test_digest"}
"""By what `--knn-on` calls them, the fact that tells which labelled images an accuracy is measured on. It is the same
for all runs of one data set, unless these images changed in between; a run of version 0.1 recorded none."""
EVALUATED_DIGESTS = {metric.name: f"{metric.name}_digest" for metric in COLUMNS if metric.evaluation}
"""By the metric that an evaluation after training is shown as, what tells which test images it was measured on. They
may have changed since the training, whose own digest stands for results that do not say."""
UNHEALTHY = ("diverged", "collapsed")
"""Flags of a run whose figures do not represent its recipe."""


def why_left_out(state: str, flags: Collection[str]) -> str:
    """Return in one word why a run is neither averaged nor called the best; empty if it finished and is healthy."""
    bad = next((flag for flag in UNHEALTHY if flag in flags), "")
    return bad or ("" if state == "finished" else state)


def row_left_out(row: Mapping[str, Any]) -> str:
    """Return in one word why a row of the catalog is left out, as `why_left_out` does for a run."""
    flags = row.get("flags")
    return why_left_out(str(row.get("state") or ""), str(flags).split(",") if flags else ())


_DECIDING = ("data", "bs", "temp", "objective")  # not knowing these of any run says that nothing can be compared
_NAMED = 3  # fields that are named one by one


@cache
def measured_by(within: Within) -> tuple[str, ...]:
    """Return the short names of the fields that two runs must share for such a metric to compare them.

    An accuracy during training needs the same images, bank, k and weights; one after training needs the same data; both
    need the same part of each image. A loss needs the same objective, the same number of negatives, and the same views
    of the same images.
    """
    if within in ("labels", "test"):
        images = ("data", "subset", "eval_crop")
        return (*images, "knn_k", "knn_weights", "knn_on") if within == "labels" else images
    if within == "loss":
        groups = ("data", "views", "objective")
        return (*(item.short for item in fields() if item.group in groups), "bs")
    return ()


def measured_differently(metric: str, recipes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the fields (short names) whose differences keep a metric from comparing the runs; empty if it can.

    Each of `recipes` maps every field's short name to its value, as a row of the catalog does, and may say on how many
    images kNN was measured (`knn_images`), and on which (`DIGESTS`). None is a value that is not
    known, as in a run of another program. A field that is known of only some, or that decides the metric and is known
    of none, keeps the metric from comparing them too; the name then says so.
    """
    known = list(recipes)
    if metric not in METRICS or len(known) < 2:
        return ()
    within = METRICS[metric].within
    apart: list[str] = []
    unknown: list[str] = []
    for name in measured_by(within):
        values = [recipe.get(name) for recipe in known]
        if len({value for value in values if value is not None}) > 1:
            apart.append(name)
        elif None in values and (values.count(None) < len(values) or (name in _DECIDING and name in known[0])):
            unknown.append(name)
    said = unknown if len(unknown) <= _NAMED else [f"{len(unknown)} fields"]
    return (*apart, *other_images(metric, known), *(f"{name} (not known of every run)" for name in said))


def other_images(metric: str, known: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return `knn_images` where runs of one data set were measured on different numbers of labelled images: the data,
    or the split that they are taken from, is not the same; `held-out images` where these are as many, and others.

    `known` and what is not known of a run are as for `measured_differently`: an unknown digest speaks against nothing.
    """
    within = METRICS[metric].within if metric in METRICS else ""
    if within not in ("labels", "test"):
        return ()
    counts = {count for recipe in known if (count := recipe.get("knn_images"))} if within == "labels" else set()
    if len(counts) > 1:
        return ("knn_images",)
    if len({str(recipe.get("data")) for recipe in known}) > 1:
        return ()  # which is said already
    found = {_test_digest(recipe, metric) if within == "test" else knn_digest(recipe) for recipe in known}
    return (OTHER_IMAGES,) if are_others(found) else ()


def knn_digest(recipe: Mapping[str, Any]) -> str:
    """Return the digest of the images that a run's kNN is measured on, from what `measured_differently` takes; empty if
    that is not known."""
    return str(recipe.get(DIGESTS.get(str(recipe.get("knn_on")), "")) or "")


def are_others(digests: Iterable[str]) -> bool:
    """Return whether some of these digests are known to be of other held-out images than the rest."""
    return len({*digests} - {""}) > 1


def _test_digest(recipe: Mapping[str, Any], metric: str) -> str:
    return str(recipe.get(EVALUATED_DIGESTS.get(metric, "")) or recipe.get(DIGESTS["test"]) or "")


def comparable_values(
    metric: str, rows: Sequence[Mapping[str, Any]], left_out: Callable[[Mapping[str, Any]], str] = row_left_out
) -> tuple[list[Any], tuple[str, ...]]:
    """Return a metric's values in the healthy finished rows, and the fields whose differences forbid averaging them.

    The second is empty if they can be averaged.
    """
    sound = [row for row in rows if not left_out(row) and row.get(metric) is not None]
    return [row[metric] for row in sound], measured_differently(metric, sound)


def evaluated_on(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `measured_differently` may be told of a run beside its recipe, from the facts of its state."""
    return {"knn_images": knn_images(facts)} | {name: facts.get(name, "") for name in DIGESTS.values()}


def knn_images(facts: Mapping[str, Any]) -> int:
    """Return how many images a run's kNN is measured on, from the facts of its state; 0 if that is not known.

    A run of version 0.1 measured it on all test images, and recorded only their number.
    """
    return int(facts.get("knn_images", facts.get("test_images", 0)))
