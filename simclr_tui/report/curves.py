"""Draw curves as SVG for a report, without any library: a line per run on two axes with round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from simclr_tui.display.colours import colours_of
from simclr_tui.display.ticks import nice_ticks, round_range
from simclr_tui.store.metrics.downsample import decimate
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.text import number, safe

_WIDE, _HIGH = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 26, 34
_POINTS = 300  # columns: more than a pixel of the drawing can show
_NAMED = 12  # runs in the legend
_TICKS = 6  # of the axis of steps, about
_ROWS = 13  # heights at which a tick of the other axis may stand: 2, 3, 4, 6 or 12 even parts


def draw_curves(named: Sequence[tuple[str, History]], metric: str) -> str:
    """Return the SVG of a metric over steps; empty if no run has logged it. Shares are drawn in percent."""
    known = METRICS.get(metric)
    scale = 100.0 if known is not None and known.unit == "share" else 1.0
    lines: dict[str, list[tuple[float, float]]] = {}
    for name, history in named:
        xs, ys = decimate(history, metric, _POINTS)
        if points := [(x, scale * y) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)]:
            lines[name] = points
    if not lines:
        return ""
    title = (known.title if known else metric) + (" (%)" if scale != 1 else "")
    every = [point for points in lines.values() for point in points]
    across = _step_axis([x for x, _ in every])
    up = _value_axis([y for _, y in every])
    colours = colours_of(list(lines))
    parts = [
        _grid(across, up),
        _words(_LEFT, 14, title, anchor="start"),
        _words(_WIDE - _RIGHT, _HIGH - 4, "step", anchor="end"),
    ]
    for name, points in lines.items():
        drawn = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in points)
        label = f"<title>{escape(safe(name))}</title>"
        if len(points) == 1:
            ((x, y),) = points
            parts.append(
                f'<circle cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="3" fill="{colours[name]}">{label}</circle>'
            )
        else:
            line = (
                f'<polyline points="{drawn}" fill="none" stroke="{colours[name]}" stroke-width="1.5">{label}</polyline>'
            )
            parts.append(line)
    legend, rows = _legend(list(lines), colours)
    height = _HIGH + 16 * rows
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {height}" width="{_WIDE}" height="{height}" '
        f'role="img" font-family="sans-serif" font-size="11" fill="currentColor">'
        f"<title>{escape(safe(title))}</title>{''.join(parts)}{legend}</svg>"
    )


class _Axis:
    """Map values of an axis that starts and ends at the given values to pixels."""

    def __init__(self, low: float, high: float, ticks: Sequence[float], *, pixels: tuple[float, float]) -> None:
        self._low, self._high = low, high
        self._start, self._end = pixels
        self.ticks = ticks

    def at(self, value: float) -> float:
        share = (value / 2 - self._low / 2) / (self._high / 2 - self._low / 2)  # halves: their difference is finite
        return self._start + share * (self._end - self._start)


def _step_axis(steps: Sequence[float]) -> _Axis:
    low, high = _apart(steps)
    return _Axis(low, high, nice_ticks(low, high, _TICKS, whole=True), pixels=(_LEFT, _WIDE - _RIGHT))


def _value_axis(values: Sequence[float]) -> _Axis:
    low, high, ticks = round_range(*_apart(values), _ROWS)
    return _Axis(low, high, ticks, pixels=(_HIGH - _BOTTOM, _TOP))


def _apart(values: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and the highest value, or two about a single one."""
    low, high = min(values), max(values)
    around = (abs(low) or 1.0) / 2 if low == high else 0.0
    return low - around, high + around


def _grid(across: _Axis, up: _Axis) -> str:
    parts = []
    for tick in up.ticks:
        y = up.at(tick)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDE - _RIGHT}" stroke="currentColor" stroke-opacity=".15"/>')
        parts.append(_words(_LEFT - 6, y + 4, number(round(tick, 12)), anchor="end"))
    for tick in across.ticks:
        parts.append(_words(across.at(tick), _HIGH - _BOTTOM + 16, number(round(tick, 12)), anchor="middle"))
    return "".join(parts)


def _legend(names: Sequence[str], colours: dict[str, str]) -> tuple[str, int]:
    """Return the legend and its rows; of many runs, the first are named and the rest counted."""
    shown = list(names[:_NAMED])
    parts = []
    for index, name in enumerate(shown):
        x, y = _LEFT + index % 4 * 125, _HIGH + 12 + index // 4 * 16
        parts.append(f'<rect x="{x}" y="{y - 8}" width="10" height="10" fill="{colours[name]}"/>')
        parts.append(_words(x + 14, y, name[:18], anchor="start"))
    rows = -(-len(shown) // 4)
    if len(names) > _NAMED:
        parts.append(_words(_LEFT, _HIGH + 12 + rows * 16, f"and {len(names) - _NAMED} more", anchor="start"))
        rows += 1
    return "".join(parts), rows


def _words(x: float, y: float, text: str, *, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(safe(text))}</text>'
