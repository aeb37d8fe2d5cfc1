"""Build one page of charts over several runs from the data read so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from simclr_tui.display.colours import colours_of
from simclr_tui.text import safe
from simclr_tui.tui.feed.curve_reader import CurveReader
from simclr_tui.tui.feed.messages import ChartAxis, Curves, Panel, Request, Series
from simclr_tui.tui.feed.metric_filter import matching
from simclr_tui.tui.feed.metric_view import HOST_MEMORY, heading_of, in_order, view_of
from simclr_tui.tui.feed.seed_band import seed_band
from simclr_tui.tui.feed.window import Span

References = Mapping[str, Mapping[str, float]]
"""The values that each metric is measured by, with their names."""
Memory = Callable[[Request, Span | None, Sequence[str]], Panel]
"""Draws the host's memory over a range of x, each run in its colour."""
Averaged = Callable[[str], Sequence[Sequence[str]]]
"""Names, by metric, the runs that differ only in their seed and have a mean, group by group."""
_NO_REFERENCES: References = MappingProxyType({})


def run_by_run(_: str) -> tuple[()]:
    """Return no runs that are averaged, whatever the metric."""
    return ()


def curve_page(
    readers: Sequence[CurveReader],
    request: Request,
    objectives: Collection[str] = (),
    *,
    references: References = _NO_REFERENCES,
    ends: float | None = None,
    memory: Memory | None = None,
    seeds: Averaged = run_by_run,
) -> Curves:
    """Return the charts that a request asks for, all over the same x range.

    `objectives` are those of the runs, `references` the values that a metric is measured by, in the metric's own unit;
    `ends` is the x at which the run will end, `memory` the chart of the host's memory for runs without a GPU; `seeds`
    names the runs of which a metric's chart draws the mean and its interval.
    """
    measured = {name for reader in readers for name in reader.drawn.columns}
    logged = in_order(measured | {HOST_MEMORY} if memory is not None and "gpu_reserved" not in measured else measured)
    names = matching(logged, request.pattern)
    pages = max(1, -(-len(names) // max(1, request.panels)))
    page = min(request.page, pages - 1)
    extent = _extent(readers, request.axis)
    span = request.window.span(extent) if extent else None
    own = colours_of([reader.name for reader in readers])
    colours = [own[reader.name] for reader in readers]
    panels = tuple(
        memory(request, span, colours)
        if name == HOST_MEMORY and memory is not None
        else Panel(
            name,
            heading_of(name, objectives),
            _lines_of(readers, name, request, span=span, colours=own, seeds=seeds),
            request.axis,
            span=span,
            cursor=request.cursor,
            references=_references(name, references),
            whole=request.window.whole,
        )
        for name in names[page * request.panels : (page + 1) * request.panels]
    )
    damaged = sum(reader.drawn.damaged for reader in readers)
    return Curves(names, panels, page, pages, damaged, len(logged) - len(names), extent, _step(readers, request), ends)


def _lines_of(
    readers: Sequence[CurveReader],
    metric: str,
    request: Request,
    *,
    span: Span | None,
    colours: Mapping[str, str],
    seeds: Averaged,
) -> tuple[Series, ...]:
    """Return a line per run, or one for all runs that are averaged, in the place of the first of them."""
    groups = {name: names for names in seeds(metric) for name in names}
    by_name = {reader.name: reader for reader in readers}
    lines: dict[str, Series] = {}
    for reader in readers:
        names = groups.get(reader.name, (reader.name,))
        if names[0] in lines:
            continue
        colour = colours[names[0]]
        if len(names) == 1:
            lines[names[0]] = reader.series(metric, request, span, colour=colour)
        else:
            alike = [by_name[name] for name in names]
            lines[names[0]] = seed_band(alike, metric, request, span=span, colour=colour)
    return tuple(lines.values())


def _references(metric: str, references: References) -> tuple[tuple[float, str], ...]:
    """Return a metric's reference lines in the unit of its chart."""
    scale = view_of(metric).scale
    return tuple((value * scale, safe(words)) for words, value in references.get(metric, {}).items())


def _extent(readers: Sequence[CurveReader], axis: ChartAxis) -> Span | None:
    known = [extent for reader in readers if (extent := reader.extent(axis)) is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def _step(readers: Sequence[CurveReader], request: Request) -> int | None:
    """Return the step at the cursor: of the run whose log is shown, else of the first."""
    if request.cursor is None or not readers:
        return None
    shown = request.shown
    reader = readers[shown.index(request.current) if request.current in shown else 0]
    return reader.step_at(request.axis, request.cursor)
