"""Say what a figure shows, in the words of `simclr plot`: its metrics, its x axis, and the field that groups runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import differ, field
from simclr_tui.store.metrics.downsample import Axis
from simclr_tui.store.metrics.metric_table import CHARTED, METRICS
from simclr_tui.store.run import Run

AXES: tuple[Axis, ...] = get_args(Axis)
_SERIES = tuple(name for name, metric in METRICS.items() if metric.series)
_EXAMPLES = {"--metric": "--metric loss,rank_h", "--x": "--x epoch", "--group": "--group temp"}
_OPTIONS = tuple(_EXAMPLES)


@dataclass(frozen=True)
class FigureChoice:
    """Hold what a figure shows.

    `metrics` get a panel each (none: those charted by default that a run has logged); `group` names a recipe field,
    with a line per value instead of one per run.
    """

    metrics: tuple[str, ...] = ()
    axis: Axis = "step"
    group: str = ""

    @property
    def words(self) -> str:
        """Say in words what is drawn."""
        panels = ", ".join(self.metrics) or f"what was logged of {', '.join(CHARTED)}"
        line = f"a line per {self.group}, its mean ± std" if self.group else "a line per run"
        return f"{panels} over {self.axis}s, {line}" if self.axis != "time" else f"{panels} over time, {line}"


def metric_names(text: str) -> tuple[str, ...]:
    """Return the names in a list separated by commas, each once."""
    return tuple(dict.fromkeys(name for word in text.split(",") if (name := word.strip())))


def usual_choice(runs: Sequence[Run]) -> str:
    """Return the options that are offered first: the metrics charted by default that a run has logged, over steps."""
    logged = [name for name in CHARTED if any(name in run.status.summary for run in runs)]
    return f"--metric {','.join(logged or CHARTED)} --x step"


def parse_choice(text: str) -> FigureChoice:
    """Return the choice that options of `simclr plot` make. Raises RecipeError naming what cannot be understood."""
    try:
        words = iter(shlex.split(text))
    except ValueError:
        raise RecipeError("a quotation mark is not closed", "close it") from None
    given: dict[str, str] = {}
    for word in words:
        option, equals, value = word.partition("=")
        if option not in _OPTIONS:
            raise RecipeError(f"a figure has no option {option!r}", f"there are {', '.join(_OPTIONS)}")
        given[option] = value if equals else next(words, "")
        if not given[option] or given[option].startswith("-"):
            raise RecipeError(f"{option} needs a value", f"as in {_EXAMPLES[option]}")
    axis = next((one for one in AXES if one == given.get("--x", "step")), None)
    if axis is None:
        raise RecipeError(f"there is no x axis {given['--x']!r}", f"it is one of {', '.join(AXES)}")
    group = given.get("--group", "")
    return FigureChoice(metric_names(given.get("--metric", "")), axis, field(group).short if group else "")


def offered(runs: Sequence[Run]) -> str:
    """Return lines that name what can be chosen for these runs."""
    values = {**_values(runs), "--group": _groups(runs) or ("nothing: no field differs",)}
    return "\n".join(f"{option:<9} {' '.join(names)}" for option, names in values.items())


def complete_choice(text: str, runs: Sequence[Run]) -> list[str]:
    """Return the texts that could be meant by one whose last word has only been begun."""
    before, _, last = text.rpartition(" ")
    is_option = last.startswith("-")
    found = _OPTIONS if is_option else _values(runs).get(before.rpartition(" ")[2], ())
    start = last if is_option else last.rpartition(",")[2]
    return [text + name.removeprefix(start) for name in found if name.startswith(start) and name != start]


def _values(runs: Sequence[Run]) -> dict[str, Sequence[str]]:
    return {"--metric": _SERIES, "--x": AXES, "--group": _groups(runs)}


def _groups(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the fields in which the runs differ, except the seed: its runs are what is averaged."""
    known = [run.resolved.known_values() for run in runs]
    return tuple(name for name in known[0] if name != "seed" and differ([values[name] for values in known]))
