"""Write a figure of runs: one line per run, or one per value of a recipe field with a band of ± deviation."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import Value, field
from simclr_tui.report.figure_choice import FigureChoice
from simclr_tui.store.comparable import evaluated_on, measured_differently, why_left_out
from simclr_tui.store.export.figure import FIGURE_SUFFIXES, Series, draw_figure, save_figure
from simclr_tui.store.export.target import check_target, not_installed
from simclr_tui.store.metrics.downsample import has_axis
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.metric_table import CHARTED
from simclr_tui.store.run import Run
from simclr_tui.text import safe, value_text


def check_figure(target: Path) -> None:
    """Raise RecipeError unless a figure can be written there, SimclrError without matplotlib."""
    if target.suffix.lower() not in FIGURE_SUFFIXES:
        raise RecipeError(
            f"cannot draw into {safe(str(target))}", f"end its name with one of {', '.join(FIGURE_SUFFIXES)}"
        )
    check_target(target, (target.suffix,), "--out")
    if find_spec("matplotlib") is None:
        raise not_installed("matplotlib", "a figure", "plot")


def write_figure(runs: Sequence[Run], target: Path, choice: FigureChoice | None = None) -> list[str]:
    """Draw the runs into a file; one that is named twice counts once. Returns sentences on what was left out.

    The mean of a group is, as everywhere, of the runs that finished in health, and only of values that can be compared.
    Raises RecipeError where they cannot, or where a run does not know its epochs or times; SimclrError.
    """
    choice = choice or FigureChoice()
    runs = list({run.path.resolve(): run for run in runs}.values())
    histories = [run.history() for run in runs]
    for run, history in zip(runs, histories, strict=True):
        if not has_axis(history, choice.axis):
            raise RecipeError(f"{run.name} does not know its {choice.axis}s", "draw it over steps: --x step")
    logged = [name for name in CHARTED if any(name in history.columns for history in histories)]
    metrics = choice.metrics or tuple(logged) or CHARTED
    drawn = dict(zip((run.path for run in runs), histories, strict=True))
    if not choice.group:
        series = [Series(run.name, [drawn[run.path]]) for run in runs]
        save_figure(draw_figure(series, metrics, choice.axis), target)
        return []
    groups, left_out = _groups(runs, field(choice.group).short)
    series = [_mean(name, members, metrics, drawn=drawn) for name, members in groups.items()]
    save_figure(draw_figure(series, metrics, choice.axis), target)
    return [f"not averaged: {', '.join(left_out)}"] if left_out else []


def _groups(runs: Sequence[Run], name: str) -> tuple[dict[str, list[Run]], list[str]]:
    """Return the runs by their value of a field, and those that are not averaged with why.

    A run that is alone with its value is drawn as it is, whatever became of it.
    """
    valued: dict[Value | None, list[Run]] = {}
    for run in runs:
        valued.setdefault(run.resolved.known_values()[name], []).append(run)
    groups: dict[str, list[Run]] = {}
    left_out: list[str] = []
    for value, members in valued.items():
        why = {run.name: why_left_out(run.status.state, run.status.flags) for run in members}
        sound = members if len(members) == 1 else [run for run in members if not why[run.name]]
        left_out += [f"{run.name} ({why[run.name]})" for run in members if run not in sound]
        if sound:
            groups[f"{name} {value_text(value)}"] = sound
    if not groups:
        raise RecipeError(
            f"none of these runs has finished in health, and so no mean is drawn: {', '.join(left_out)}",
            "draw a line per run, without --group",
        )
    return groups, left_out


def _mean(name: str, members: Sequence[Run], metrics: Sequence[str], *, drawn: dict[Path, History]) -> Series:
    """Return a group as what becomes one line. Raises RecipeError for a metric that may not be averaged over it."""
    known = [run.resolved.known_values() | evaluated_on(run.status.facts) for run in members]
    for metric in metrics:
        if differing := measured_differently(metric, known):
            said = f"{metric} is not averaged over {name}, because its runs differ in {', '.join(differing)}"
            raise RecipeError(said, "group by that, leave the metric out with --metric, or name runs that agree")
    return Series(name, [drawn[run.path] for run in members])
