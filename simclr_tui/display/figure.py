"""Draw metrics as a figure for a paper: one panel per metric, one line per run or mean ± deviation per group.

Needs matplotlib: `pip install 'simclr-tui[plot]'`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from simclr_tui.errors import NotFoundError
from simclr_tui.store.export.target import not_installed
from simclr_tui.store.metrics.downsample import Axis, decimate
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.metric_table import METRICS

KINDS = (".svg", ".pdf", ".png")
_POINTS = 1000  # drawn per line: more than a figure in print can show
_AXES: Mapping[Axis, str] = {"step": "step", "epoch": "epoch", "time": "training time (s)"}
# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLE = {
    "font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "lines.linewidth": 1.2,
    "legend.frameon": False, "svg.fonttype": "none", "pdf.fonttype": 42, "savefig.dpi": 300,
    "svg.hashsalt": "simclr",
}  # fmt: skip


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
    with rc_context(_STYLE):
        figure = Figure(figsize=(3.3 * len(metrics), 2.4), layout="constrained")
        for place, metric in enumerate(metrics, start=1):
            panel = figure.add_subplot(1, len(metrics), place)
            _draw_panel(panel, series, metric, axis)
            if place == 1 and len(series) > 1:
                panel.legend()
    return figure


def save_figure(figure: Any, target: Path) -> None:
    """Write the figure in the format that the file's name ends with, the same bytes for the same figure."""
    from matplotlib import rc_context

    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(target.suffix.lower())
    with rc_context(_STYLE):
        figure.savefig(target, metadata=dated)


def _draw_panel(panel: Any, series: Sequence[Series], metric: str, axis: Axis) -> None:
    known = METRICS.get(metric)
    percent = known is not None and known.unit == "share"
    drawn = False
    for index, one in enumerate(series):
        xs, means, deviations = _averaged([decimate(history, metric, _POINTS, axis) for history in one.histories])
        if not xs:
            continue
        scale = 100 if percent else 1
        colour = _COLOURS[index % len(_COLOURS)]
        values = [scale * value for value in means]
        panel.plot(xs, values, color=colour, label=one.name, linestyle="-" if index < len(_COLOURS) else "--")
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


def _averaged(
    lines: Sequence[tuple[Sequence[float], Sequence[float]]],
) -> tuple[list[float], list[float], list[float]]:
    """Return x, mean and sample deviation where every line has a value; lines of one run as they are."""
    lines = [line for line in lines if line[0]]
    if len(lines) == 1:
        points = [(x, y) for x, y in zip(*lines[0], strict=True) if math.isfinite(y)]
        return [x for x, _ in points], [y for _, y in points], [0.0] * len(points)
    values = [dict(zip(*line, strict=True)) for line in lines]
    shared = sorted(set.intersection(*(set(line) for line in values))) if values else []
    columns = [(x, [line[x] for line in values]) for x in shared]
    columns = [(x, ys) for x, ys in columns if all(map(math.isfinite, ys))]
    return [x for x, _ in columns], [mean(ys) for _, ys in columns], [stdev(ys) for _, ys in columns]
