"""Write a figure of runs: one line per run, or one per value of a recipe field with a band of ± deviation."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import field
from simclr_tui.store.export.figure import FIGURE_SUFFIXES, Series, draw_figure, save_figure
from simclr_tui.store.export.target import check_target, not_installed
from simclr_tui.store.metrics.downsample import Axis, has_axis
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


def write_figure(
    runs: Sequence[Run], target: Path, metrics: Sequence[str] = (), *, axis: Axis = "step", group: str = ""
) -> None:
    """Draw the runs' metrics (default: those charted by default that any of them has logged) into a file.

    `group` names a recipe field: one line per value, the mean over its runs. Raises SimclrError.
    """
    histories = [run.history() for run in runs]
    for run, history in zip(runs, histories, strict=True):
        if not has_axis(history, axis):
            raise RecipeError(f"{run.name} does not know its {axis}s", "draw it over steps: --x step")
    key = field(group).key if group else ""
    lines: dict[str, Series] = {}
    for run, history in zip(runs, histories, strict=True):
        name = f"{group} {value_text(getattr(run.recipe, key))}" if key else run.name
        before = lines[name].histories if name in lines else ()
        lines[name] = Series(name, [*before, history])
    logged = [name for name in CHARTED if any(name in history.columns for history in histories)]
    save_figure(draw_figure(list(lines.values()), metrics or logged or CHARTED, axis), target)
