"""Which run is better, and what was different: the facts behind `simclr compare` and the dashboard's screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simclr_tui.recipe.fields import Value, diff
from simclr_tui.store.evaluations import read_evaluation
from simclr_tui.store.history import History
from simclr_tui.store.run import Run
from simclr_tui.store.state import State


@dataclass(frozen=True)
class Measure:
    """One row of the comparison. `better` is the index of the best value, None for a tie or a mere fact."""

    name: str
    unit: str
    values: tuple[float | None, ...]
    better: int | None


@dataclass(frozen=True)
class Comparison:
    """Runs side by side: `differences` maps short field names to one value a run."""

    runs: tuple[Run, ...]
    states: tuple[State, ...]
    histories: tuple[History, ...]
    differences: dict[str, list[Value]]
    measures: tuple[Measure, ...]

    def as_json(self) -> dict[str, Any]:
        """The stable form of `compare --json`."""
        return {
            "runs": [run.name for run in self.runs],
            "states": [state.state for state in self.states],
            "differences": self.differences,
            "measures": {
                measure.name: {
                    "values": list(measure.values),
                    "unit": measure.unit,
                    "better": None if measure.better is None else self.runs[measure.better].name,
                }
                for measure in self.measures
            },
        }


def compare(runs: list[Run]) -> Comparison:
    """Read the runs and set them side by side. Raises StoreError when one cannot be read."""
    states = tuple(run.status for run in runs)
    histories = tuple(run.history() for run in runs)
    differences = diff([run.recipe for run in runs])
    return Comparison(
        runs=tuple(runs),
        states=states,
        histories=histories,
        differences=differences,
        measures=_measures(runs, histories, states, same_loss=not {"temp", "bs"} & differences.keys()),
    )


def _measures(
    runs: list[Run], histories: tuple[History, ...], states: tuple[State, ...], same_loss: bool
) -> tuple[Measure, ...]:
    def last(metric: str) -> list[float | None]:
        return [history.last(metric) for history in histories]

    def best(metric: str, highest: bool) -> list[float | None]:
        found = [history.best(metric, highest) for history in histories]
        return [pair[1] if pair else None for pair in found]

    # NT-Xent at another temperature or batch size is on another scale: then no loss is called the better one.
    lowest = False if same_loss else None
    return (
        _measure("knn", "%", last("knn"), highest=True),
        _measure("knn best", "%", best("knn", True), highest=True),
        _measure("knn first", "%", [_first(history, "knn") for history in histories], None),
        _measure("linear top-1", "%", [_linear(run) for run in runs], highest=True),
        _measure("loss", "", last("loss"), lowest),
        _measure("loss best", "", best("loss", False), lowest),
        _measure("contrastive top-1", "%", last("contrastive_top1"), None),
        _measure("images/s", "", [state.summary.get("images_per_s") for state in states], highest=True),
        _measure("GPU memory", "bytes", best("gpu_allocated", True), highest=False),
        _measure("training time", "s", [state.elapsed + state.time for state in states], None),
        _measure("steps", "", [float(state.step) for state in states], None),
    )


def _linear(run: Run) -> float | None:
    found = read_evaluation(run.paths, "linear")
    return None if found is None else found.top1


def _first(history: History, metric: str) -> float | None:
    return next((value for value in history.points(metric).values if value == value), None)


def _measure(name: str, unit: str, values: list[float | None], highest: bool | None) -> Measure:
    return Measure(name, unit, tuple(values), None if highest is None else _winner(values, highest))


def _winner(values: list[float | None], highest: bool) -> int | None:
    known = [(value, index) for index, value in enumerate(values) if value is not None and value == value]
    if len(known) < 2:
        return None
    chosen = max(known) if highest else min(known)
    return chosen[1] if sum(value == chosen[0] for value, _ in known) == 1 else None
