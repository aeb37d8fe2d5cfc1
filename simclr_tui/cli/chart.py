"""Draw curves as plain terminal text with plotext, from a few points per column."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence

from simclr_tui.cli import output, streams
from simclr_tui.store.metrics.downsample import Axis, decimate, smooth
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.text import safe

_X_LABELS: dict[Axis, str] = {"step": "step", "epoch": "epoch", "time": "seconds of training"}
_COLORS = ("cyan+", "orange+", "green+", "magenta+", "red+", "blue+", "white", "gray")


def draw_chart(
    runs: Sequence[tuple[str, History]],
    metric: str,
    axis: Axis = "step",
    *,
    width: int | None = None,
    height: int = 14,
    smoothing: float = 0.0,
    log_y: bool = False,
    references: Mapping[str, float] | None = None,
) -> str:
    """Return a chart of one metric for several runs, or a sentence saying that none has logged it.

    Shares are drawn in percent. `references` are values drawn as dim lines under their names.
    """
    import plotext as plt

    columns = width or min(100, shutil.get_terminal_size((100, 24)).columns)
    plt.clear_figure()
    plt.theme("clear")
    plt.plotsize(columns, height)
    scale = 100.0 if metric in METRICS and METRICS[metric].unit == "share" else 1.0
    named = len(runs) > 1 or bool(references)
    spans: list[tuple[float, float]] = []
    for index, (name, history) in enumerate(runs):
        xs, ys = decimate(history, metric, columns, axis=axis)
        if not xs:
            continue
        values = [scale * value for value in (smooth(ys, smoothing) if smoothing else ys)]
        plt.plot(
            xs,
            values,
            label=safe(name) if named else None,
            marker=_marker(),
            color=_COLORS[index % len(_COLORS)],
        )
        spans.append((xs[0], xs[-1]))
    if not spans:
        return f"{safe(metric)}: no data yet"
    if log_y:
        plt.yscale("log")
    low, high = min(start for start, _ in spans), max(end for _, end in spans)
    for label, value in (references or {}).items():
        plt.plot([low, high], [scale * value] * 2, label=safe(label), marker="-", color="gray")
    plt.title(_title(metric))
    plt.xlabel(_X_LABELS[axis])
    ticks = round_ticks(low, high, max(2, columns // 12))
    plt.xticks(ticks, [f"{tick:,.6g}" for tick in ticks])
    figure: str = plt.build().rstrip("\n")
    plt.clear_figure()
    return figure if output.is_colourful() else plt.uncolorize(figure)


def join_charts(left: str, right: str) -> str:
    """Return two charts beside each other; both have the same height, and each line of one the same width."""
    return "\n".join(f"{one}  {other}" for one, other in zip(left.split("\n"), right.split("\n"), strict=True))


def round_ticks(low: float, high: float, count: int) -> list[float]:
    """Return at most `count` round numbers (1, 2 or 5 times a power of ten apart) between two values."""
    if not high > low:
        return [low]
    step = 10.0 ** math.floor(math.log10((high - low) / count))
    step *= next((factor for factor in (1, 2, 5) if (high - low) / (step * factor) <= count - 1), 10)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _title(metric: str) -> str:
    if metric not in METRICS:
        return safe(metric)
    return METRICS[metric].short + (" %" if METRICS[metric].unit == "share" else "")


def _marker() -> str:
    return "braille" if streams.is_utf8() else "*"
