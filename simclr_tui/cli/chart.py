"""Draw curves as plain terminal text with plotext, from a few points per column."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from simclr_tui.cli import output, streams
from simclr_tui.store.metrics.downsample import Axis, decimate, smooth
from simclr_tui.store.metrics.history import History
from simclr_tui.text import safe

_X_LABELS: dict[Axis, str] = {"step": "step", "epoch": "epoch", "time": "seconds of training"}
_COLORS = ("cyan+", "orange+", "green+", "magenta+", "red+", "blue+", "white", "gray")


def draw_chart(
    runs: Sequence[tuple[str, History]],
    metric: str,
    axis: Axis = "step",
    width: int | None = None,
    height: int = 14,
    smoothing: float = 0.0,
    log_y: bool = False,
) -> str:
    """Return a chart of one metric for several runs, or a sentence saying that none has logged it."""
    import plotext as plt

    columns = width or min(100, shutil.get_terminal_size((100, 24)).columns)
    plt.clear_figure()
    plt.theme("clear")
    plt.plotsize(columns, height)
    drawn = 0
    for index, (name, history) in enumerate(runs):
        xs, ys = decimate(history, metric, columns, axis)
        if not xs:
            continue
        values = smooth(ys, smoothing) if smoothing else ys
        plt.plot(
            xs,
            values,
            label=safe(name) if len(runs) > 1 else None,
            marker=_marker(),
            color=_COLORS[index % len(_COLORS)],
        )
        drawn += 1
    if not drawn:
        return f"{safe(metric)}: no data yet"
    if log_y:
        plt.yscale("log")
    plt.title(safe(metric))
    plt.xlabel(_X_LABELS[axis])
    figure: str = plt.build()
    plt.clear_figure()
    return figure if output.is_colourful() else plt.uncolorize(figure)


def _marker() -> str:
    return "braille" if streams.is_utf8() else "*"
