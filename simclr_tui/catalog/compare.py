"""Which run is better, and what was different: the facts behind `simclr compare` and the dashboard's screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from simclr_tui.catalog.spread import Spread, spread_of
from simclr_tui.recipe.fields import Value, diff
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.evaluations import read_evaluation
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.metric_table import METRICS, Better, Unit
from simclr_tui.store.run import Run
from simclr_tui.store.state import State
from simclr_tui.text import duration, number, percent, plus_minus, size, spread


@dataclass(frozen=True)
class Measure:
    """One row of the comparison. `better` is the index of the best value, None for a tie or a mere fact; `highest`
    says which way is better, None for a mere fact.
    """

    name: str
    unit: Unit
    values: tuple[float | None, ...]
    better: int | None
    highest: bool | None = None

    def words(self, index: int) -> str:
        """A run's value in its unit, as people read it."""
        return _worded(self.values[index], self.unit)


@dataclass(frozen=True)
class Seeds:
    """Runs whose recipes differ in nothing but the seed, by their places; `spreads` has one entry a measure."""

    places: tuple[int, ...]
    spreads: tuple[Spread | None, ...]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side: `differences` maps short field names to one value a run."""

    runs: tuple[Run, ...]
    states: tuple[State, ...]
    histories: tuple[History, ...]
    differences: dict[str, list[Value]]
    measures: tuple[Measure, ...]
    seeds: tuple[Seeds, ...] = ()

    @property
    def repeated(self) -> bool:
        """Whether some of the runs differ in nothing but the seed."""
        return any(len(group.places) > 1 for group in self.seeds)

    def group_title(self, group: Seeds) -> str:
        """`run1, run3 (2 seeds)`."""
        names = ", ".join(self.runs[place].name for place in group.places)
        return f"{names} ({len(group.places)} seeds)" if len(group.places) > 1 else names

    def group_rows(self) -> list[tuple[str, list[str], int | None]]:
        """Over the seeds: fields that differ between the groups, then mean ± std of each measure that some run has;
        the group with the best mean is named by its place."""
        firsts = [group.places[0] for group in self.seeds]
        rows: list[tuple[str, list[str], int | None]] = []
        for name, values in self.differences.items():
            chosen = [str(values[place]) for place in firsts]
            if name != "seed" and len(set(chosen)) > 1:
                rows.append((name, chosen, None))
        for index, measure in enumerate(self.measures):
            spreads = [group.spreads[index] for group in self.seeds]
            if any(spreads):
                means = [None if spread is None else spread.mean for spread in spreads]
                better = None if measure.highest is None else _winner(means, measure.highest)
                rows.append((measure.name, [_spread_words(spread, measure.unit) for spread in spreads], better))
        return rows

    def _seeds_json(self) -> list[dict[str, Any]]:
        return [
            {
                "runs": [self.runs[place].name for place in group.places],
                "measures": {
                    measure.name: {"mean": spread.mean, "std": spread.std, "n": spread.count}
                    for measure, spread in zip(self.measures, group.spreads, strict=True)
                    if spread is not None
                },
            }
            for group in self.seeds
        ]

    def as_json(self) -> dict[str, Any]:
        """The stable form of `compare --json`."""
        return {
            "runs": [run.name for run in self.runs],
            "states": [state.state for state in self.states],
            "differences": self.differences,
            "measures": {
                measure.name: {
                    "values": list(measure.values),
                    "unit": _SIGNS[measure.unit],
                    "better": None if measure.better is None else self.runs[measure.better].name,
                }
                for measure in self.measures
            },
            "seeds": self._seeds_json(),
        }


_ANOTHER_LOSS = {"objective", "temp", "bs", "l2", "margin", "semi_hard"}  # fields that set the scale of the loss


def compare(runs: list[Run]) -> Comparison:
    """Read the runs and set them side by side. Raises StoreError when one cannot be read."""
    states = tuple(run.status for run in runs)
    histories = tuple(run.history() for run in runs)
    differences = diff([run.recipe for run in runs])
    measures = _measures(runs, histories, states, same_loss=not _ANOTHER_LOSS & differences.keys())
    return Comparison(
        runs=tuple(runs),
        states=states,
        histories=histories,
        differences=differences,
        measures=measures,
        seeds=_seeds([run.recipe for run in runs], measures),
    )


def _seeds(recipes: list[Recipe], measures: tuple[Measure, ...]) -> tuple[Seeds, ...]:
    """The runs in groups that differ in nothing but the seed, each where its first run stands."""
    groups: dict[Recipe, list[int]] = {}
    for place, recipe in enumerate(recipes):
        groups.setdefault(msgspec.structs.replace(recipe, seed=0), []).append(place)
    return tuple(
        Seeds(tuple(places), tuple(spread_of(measure.values[place] for place in places) for measure in measures))
        for places in groups.values()
    )


def _measures(
    runs: list[Run], histories: tuple[History, ...], states: tuple[State, ...], same_loss: bool
) -> tuple[Measure, ...]:
    def last(metric: str) -> list[float | None]:
        return [history.last(metric) for history in histories]

    def best(metric: str, highest: bool) -> list[float | None]:
        found = [history.best(metric, highest) for history in histories]
        return [pair[1] if pair else None for pair in found]

    def measure(name: str, metric: str, values: list[float | None]) -> Measure:
        """A row whose unit and better way are the metric's; on another scale no loss is called the better one."""
        about = METRICS[metric]
        better: Better = "" if about.within == "loss" and not same_loss else about.better
        return _measure(name, about.unit, values, better)

    return (
        measure("knn", "knn", last("knn")),
        measure("knn best", "knn_best", best("knn", True)),
        measure("knn first", "knn_first", [_first(history, "knn") for history in histories]),
        measure("linear top-1", "linear", [_linear(run) for run in runs]),
        measure("loss", "loss", last("loss")),
        measure("loss best", "loss", best("loss", False)),
        measure("contrastive top-1", "contrastive_top1", last("contrastive_top1")),
        measure("images/s", "images_per_s", [state.summary.get("images_per_s") for state in states]),
        measure("GPU memory", "gpu_allocated", best("gpu_allocated", True)),
        _measure("training time", "seconds", [state.elapsed + state.time for state in states], ""),
        _measure("steps", "", [float(state.step) for state in states], ""),
    )


def _linear(run: Run) -> float | None:
    found = read_evaluation(run.paths, "linear")
    return None if found is None else found.top1


def _first(history: History, metric: str) -> float | None:
    return next((value for value in history.points(metric).values if value == value), None)


def _measure(name: str, unit: Unit, values: list[float | None], better: Better) -> Measure:
    highest = None if not better else better == "highest"
    return Measure(name, unit, tuple(values), None if highest is None else _winner(values, highest), highest)


_WRITERS: dict[Unit, Callable[[float | None], str]] = {
    "": number, "share": percent, "bytes": size, "seconds": duration,
}  # fmt: skip
_SIGNS: dict[Unit, str] = {"": "", "share": "%", "bytes": "bytes", "seconds": "s"}  # as --json names the units


def _worded(value: float | None, unit: Unit) -> str:
    return _WRITERS[unit](value)


def _spread_words(found: Spread | None, unit: Unit) -> str:
    if found is None or found.std is None:
        return _worded(found.mean if found else None, unit)
    if unit == "share":
        return spread(found.mean, found.std)
    if unit:
        return f"{_worded(found.mean, unit)} ± {_worded(found.std, unit)}"
    return plus_minus(found.mean, found.std)


def _winner(values: list[float | None], highest: bool) -> int | None:
    known = [(value, index) for index, value in enumerate(values) if value is not None and value == value]
    if len(known) < 2:
        return None
    chosen = max(known) if highest else min(known)
    return chosen[1] if sum(value == chosen[0] for value, _ in known) == 1 else None
