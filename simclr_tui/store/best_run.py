"""Which run `@best` names, if it can be said at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from simclr_tui.errors import NotFoundError, SimclrError
from simclr_tui.recipe.fields import Value, short_values
from simclr_tui.store.comparable import measured_differently, why_left_out
from simclr_tui.store.run import Run
from simclr_tui.text import safe

_METRIC = "knn"


def best_run(runs: Iterable[Run]) -> Run:
    """Return the run with the highest kNN accuracy of those that finished in health.

    Raises NotFoundError where there is none, or where they were measured on different data: then no one run is the
    best, and the sentence names the best of each.
    """
    scored: list[tuple[float, str, Run, dict[str, Value]]] = []
    for run in runs:
        with contextlib.suppress(SimclrError, KeyError):  # a damaged run, or one not yet measured, is not the best
            status = run.status
            if not why_left_out(status.state, status.flags):
                scored.append((status.summary[_METRIC], run.name, run, short_values(run.recipe)))
    if not scored:
        raise NotFoundError("@best names no run: none has finished in health with a kNN accuracy", "see simclr ls")
    scored.sort(key=lambda one: one[:2], reverse=True)
    fields = measured_differently(_METRIC, [recipe for *_, recipe in scored])
    if fields:
        best: dict[tuple[Value, ...], str] = {}
        for _, name, _, recipe in scored:
            best.setdefault(tuple(recipe[field] for field in fields), name)
        shown = ", ".join(f"{name} ({', '.join(map(str, values))})" for values, name in list(best.items())[:4])
        raise NotFoundError(
            f"@best would compare runs that differ in {', '.join(fields)}",
            safe(f"name one: the best of each are {shown}"),
        )
    return scored[0][2]
