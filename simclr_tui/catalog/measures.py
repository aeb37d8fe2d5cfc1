"""The measures by which runs are compared: their values, and how people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simclr_tui.catalog.spread import Spread
from simclr_tui.store.energy import MEASURED
from simclr_tui.store.evaluations import Evaluation
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.metric_table import COLUMNS, METRICS, Unit
from simclr_tui.store.state import State
from simclr_tui.text import duration, energy, number, percent, plus_minus, size, spread


@dataclass(frozen=True)
class Measure:
    """Hold one row of the comparison.

    `name` is its key in `compare --json`. `better` is the index of the value that is told apart as the best, or None;
    `verdict` says so in a sentence. `comparable` is False where the runs were measured on or by different things, so
    that a difference says nothing. `metric` names the metric whose unit and direction apply, and is empty for a fact
    that is neither good nor bad; `evaluation` names the result of eval that has the value, where that is no metric.
    """

    name: str
    unit: Unit
    values: tuple[float | None, ...]
    metric: str = ""
    better: int | None = None
    verdict: str = ""
    comparable: bool = True
    evaluation: str = ""

    @property
    def title(self) -> str:
        """Return the name that people read."""
        return _TITLES.get(self.name, self.name)

    def words(self, index: int) -> str:
        """Return a run's value in its unit, as people read it."""
        return _worded(self.values[index], self.unit)


Evaluated = Mapping[str, Sequence[Evaluation | None]]
"""Results of eval by the stem of their file, with one per run (None: not evaluated so)."""


def measures_of(histories: Sequence[History], states: Sequence[State], evaluated: Evaluated) -> tuple[Measure, ...]:
    """Return every measure of some runs, each with one value per run (None: not measured)."""

    def last(metric: str) -> list[float | None]:
        return [history.last(metric) for history in histories]

    def best(metric: str) -> list[float | None]:
        found = [history.best(metric, METRICS[metric].better == "highest") for history in histories]
        return [pair[1] if pair else None for pair in found]

    def measure(name: str, metric: str, values: list[float | None]) -> Measure:
        return Measure(name, METRICS[metric].unit, tuple(values), metric)

    most_memory = [pair[1] if (pair := history.best("gpu_allocated", True)) else None for history in histories]
    return (
        measure("knn", "knn", last("knn")),
        measure("knn best", "knn_best", best("knn")),
        measure("knn first", "knn_first", [_first(history, "knn") for history in histories]),
        measure("linear top-1", "linear", _top1(evaluated["linear"])),
        *_also_evaluated(evaluated),
        measure("loss", "loss", last("loss")),
        measure("loss best", "loss", best("loss")),
        measure("contrastive top-1", "contrastive_top1", last("contrastive_top1")),
        measure("images/s", "images_per_s", last("images_per_s")),
        measure("GPU memory", "gpu_allocated", most_memory),
        *_spent(states),
        Measure("training time", "seconds", tuple(state.elapsed + state.time for state in states)),
        Measure("steps", "", tuple(float(state.step) for state in states)),
    )


def _top1(found: Sequence[Evaluation | None]) -> list[float | None]:
    return [None if one is None else one.top1 for one in found]


def _also_evaluated(evaluated: Evaluated) -> list[Measure]:
    """Return what else some run was evaluated by. Where that is no metric, no run is told apart as the best."""
    judged = {metric.evaluation: metric.name for metric in COLUMNS if metric.evaluation}
    rows = [
        Measure(f"eval {stem}", "share", tuple(_top1(found)), judged.get(stem, ""), evaluation=stem)
        for stem, found in evaluated.items()
        if stem != "linear"
    ]
    return [row for row in rows if any(value is not None for value in row.values)]


def _spent(states: Sequence[State]) -> list[Measure]:
    """Return GPU time and energy, where some run has measured them."""
    rows = [
        Measure(METRICS[name].title, METRICS[name].unit, tuple(state.summary.get(name) for state in states))
        for name in MEASURED
    ]
    return [row for row in rows if any(value is not None for value in row.values)]


def _first(history: History, metric: str) -> float | None:
    return next((value for value in history.points(metric).values if value == value), None)


_TITLES = {
    "knn": "kNN accuracy",
    "knn best": "best kNN accuracy",
    "knn first": "kNN before training",
    "linear top-1": "linear probe, top-1",
    "eval knn": "kNN by eval, top-1",
    "eval finetune-1pct": "fine-tuned on 1%",
    "eval finetune-10pct": "fine-tuned on 10%",
    "loss best": "lowest loss",
}
_WRITERS: dict[Unit, Callable[[float | None], str]] = {
    "": number, "share": percent, "bytes": size, "seconds": duration, "joules": energy,
}  # fmt: skip
SIGNS: dict[Unit, str] = {"": "", "share": "%", "bytes": "bytes", "seconds": "s", "joules": "J"}
"""How `--json` names the units."""


def _worded(value: float | None, unit: Unit) -> str:
    return _WRITERS[unit](value)


def spread_words(found: Spread | None, unit: Unit) -> str:
    """Return mean ± deviation in the unit, or only the value if there is just one."""
    if found is None or found.std is None:
        return _worded(found.mean if found else None, unit)
    if unit == "share":
        return spread(found.mean, found.std)
    if unit:
        return f"{_worded(found.mean, unit)} ± {_worded(found.std, unit)}"
    return plus_minus(found.mean, found.std)
