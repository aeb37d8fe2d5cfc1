"""Draw metrics as a figure for a paper: one panel per metric, one line per run or mean ± deviation per group.

Needs matplotlib: `pip install 'simclr-tui[plot]'`.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from simclr_tui.errors import NotFoundError
from simclr_tui.store.export.target import not_installed, write_target
from simclr_tui.store.metrics.downsample import Axis, axis_values, decimate
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.metric_table import METRICS

FIGURE_SUFFIXES = (".svg", ".pdf", ".png")
_POINTS = 1000  # drawn per line: more than a figure in print can show
_AXES: Mapping[Axis, str] = {"step": "step", "epoch": "epoch", "time": "training time (s)"}
# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLE = {
    "font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "lines.linewidth": 1.2,
    "legend.frameon": False, "svg.fonttype": "none", "pdf.fonttype": 42, "savefig.dpi": 300,
    "svg.hashsalt": "simclr",
}  # fmt: skip

_STYLING = threading.Lock()  # matplotlib has one style for all threads, each of which would restore another's


@dataclass(frozen=True)
class Series:
    """Hold what becomes one line: a run, or the runs of a group, whose mean and sample deviation are drawn."""

    name: str
    histories: Sequence[History]


def draw_figure(series: Sequence[Series], metrics: Sequence[str], axis: Axis = "step") -> Any:
    """Return a matplotlib Figure, 3.3 inches wide per panel; shares are in percent.

    Raises NotFoundError for a metric that no run has logged, SimclrError without matplotlib.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise not_installed("matplotlib", "a figure", "plot") from None
    with _STYLING, rc_context(_STYLE):
        figure = Figure(figsize=(3.3 * len(metrics), 2.4), layout="constrained")
        for place, metric in enumerate(metrics, start=1):
            panel = figure.add_subplot(1, len(metrics), place)
            _draw_panel(panel, series, metric, axis=axis)
            if place == 1 and len(series) > 1:
                panel.legend()
    return figure


def save_figure(figure: Any, target: Path) -> None:
    """Write the figure in the format that the file's name ends with, the same bytes for the same figure.

    The file is written whole or not at all. Raises StoreError.
    """
    from matplotlib import rc_context

    kind = target.suffix.lower()
    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(kind)
    drawn = io.BytesIO()
    with _STYLING, rc_context(_STYLE):
        figure.savefig(drawn, format=kind.removeprefix("."), metadata=dated)
    write_target(target, drawn.getvalue())


def _draw_panel(panel: Any, series: Sequence[Series], metric: str, *, axis: Axis) -> None:
    known = METRICS.get(metric)
    percent = known is not None and known.unit == "share"
    drawn = False
    for index, one in enumerate(series):
        xs, means, deviations = _line(one.histories, metric, axis)
        if not xs:
            continue
        scale = 100 if percent else 1
        colour = _COLOURS[index % len(_COLOURS)]
        values = [scale * value for value in means]
        label = one.name.replace("$", r"\$")  # no formula begins there
        panel.plot(xs, values, color=colour, label=label, linestyle="-" if index < len(_COLOURS) else "--")
        if any(deviations):
            low = [value - scale * deviation for value, deviation in zip(values, deviations, strict=True)]
            high = [value + scale * deviation for value, deviation in zip(values, deviations, strict=True)]
            panel.fill_between(xs, low, high, color=colour, alpha=0.2, linewidth=0)
        drawn = True
    if not drawn:
        raise NotFoundError(f"none of these runs has logged {metric!r}", "see the metrics in simclr show RUN --json")
    title = known.title if known else metric
    panel.set_xlabel(_AXES[axis])
    panel.set_ylabel(f"{title} (%)" if percent else title)


Line = tuple[list[float], list[float], list[float]]
"""x, mean and sample deviation of the points of a line."""


def _line(histories: Sequence[History], metric: str, axis: Axis) -> Line:
    """Return a run's line, or the mean and the deviation of several at the steps that all of them have logged.

    Means are of all logged values: the extremes that a long line is drawn from say nothing about a mean.
    """
    if len(histories) == 1:
        xs, ys = decimate(histories[0], metric, _POINTS, axis=axis)
        points = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)]
        return [x for x, _ in points], [y for _, y in points], [0.0] * len(points)
    logged = [dict(zip(*history.points(metric), strict=True)) for history in histories if metric in history.columns]
    if not logged:
        return [], [], []
    shared = sorted(set.intersection(*(set(line) for line in logged)))
    columns = [(step, [line[step] for line in logged]) for step in shared]
    columns = [(step, values) for step, values in columns if all(map(math.isfinite, values))]
    columns = columns[:: max(1, len(columns) // _POINTS)]
    x_at = dict(zip(histories[0].step, axis_values(histories[0], axis), strict=True))
    deviations = [stdev(values) if len(values) > 1 else 0.0 for _, values in columns]
    return [x_at.get(step, step) for step, _ in columns], [mean(values) for _, values in columns], deviations
