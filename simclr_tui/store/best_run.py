"""Find the run that `@best` names, if there is one best run at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simclr_tui.errors import NotFoundError, SimclrError, UnansweredError
from simclr_tui.recipe.fields import short_values
from simclr_tui.store.comparable import (
    OTHER_IMAGES,
    evaluated_on,
    knn_digest,
    measured_by,
    measured_differently,
    why_left_out,
)
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.store.run import Run
from simclr_tui.text import safe

_METRIC = "knn"


def best_run(runs: Iterable[Run]) -> Run:
    """Return the healthy finished run with the highest kNN accuracy.

    Raises UnansweredError if one cannot be read at the moment, NotFoundError if there is none, or if the runs were
    measured on different data: then there is no single best run, and the message names the best of each kind.
    """
    scored: list[tuple[float, str, Run, dict[str, Any]]] = []
    for run in runs:
        try:
            status = run.status
            if not why_left_out(status.state, status.flags) and not _lacks_measure(run):
                scored.append((status.summary[_METRIC], run.name, run, _measured_by(run, status.facts)))
        except KeyError:  # not measured
            continue
        except SimclrError as error:  # a damaged run cannot be the best, but one that is not answered may be
            if isinstance(error, UnansweredError) and error.may_pass:
                raise
    if not scored:
        raise NotFoundError("@best names no run: no healthy run has finished with a kNN accuracy", "see simclr ls")
    scored.sort(key=lambda entry: entry[:2], reverse=True)
    fields = measured_differently(_METRIC, [recipe for *_, recipe in scored])
    if fields:
        best: dict[tuple[Any, ...], str] = {}
        for _, name, _, recipe in scored:
            best.setdefault(tuple(recipe[field] for field in fields), name)
        shown = ", ".join(f"{name} ({', '.join(map(str, values))})" for values, name in list(best.items())[:4])
        raise NotFoundError(
            f"@best would compare runs that differ in {', '.join(fields)}",
            safe(f"name one: the best of each are {shown}"),
        )
    return scored[0][2]


def _measured_by(run: Run, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides whether the run's accuracy can be compared, and the digest that names its held-out images."""
    known = short_values(run.recipe) | evaluated_on(facts)
    return known | {OTHER_IMAGES: knn_digest(known) or "not known"}


def _lacks_measure(run: Run) -> bool:
    """Return whether a run of another program does not say how its accuracy was measured."""
    known = run.resolved.known_values()
    return run.is_partly_known and any(known[name] is None for name in measured_by(METRICS[_METRIC].within))
