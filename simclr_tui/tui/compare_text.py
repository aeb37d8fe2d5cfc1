"""The text of a comparison: what differs, what can be concluded, and the results, with a column per run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells
from rich.text import Text

from simclr_tui.catalog.compare import Comparison
from simclr_tui.catalog.measures import Measure
from simclr_tui.display.colours import colours_of
from simclr_tui.display.glyphs import draws_unicode, state_glyph
from simclr_tui.report.heat_maps import comparison_heat_map
from simclr_tui.text import number, safe, size, value_text
from simclr_tui.tui.lines import below
from simclr_tui.tui.runs.run_line import shortened
from simclr_tui.tui.wrapping import wrapped

Cell = tuple[str, str]  # words and their style

_TITLE = 20  # width of the names of fields and measures
_INDENT = 2
_CELLS, _MOST = 16, 30  # width of a run's column, at least and at most
_ROOMY = 24  # width from which a value is followed by its difference from the first run's
_BESIDE = 9  # width of that difference
_WIDE = 22  # width of a group's column, at least: mean and deviation
_LINE = 76  # characters per line of a sentence, at most


def comparison_text(comparison: Comparison, width: int = 120) -> Text:
    """Return a table: runs across; state, differing fields, measures down. The better value has a star and is bold.

    Runs that do not fit into `width` cells follow below, in tables of their own, and a heat map comes before these.
    Where there is room, a value is followed by its difference from the first run's.
    """
    text = Text(no_wrap=True)
    colours = colours_of([run.name for run in comparison.runs])
    bands = _bands(len(comparison.runs), width, least=_CELLS)
    cells = _column(width, len(bands[0]), least=_CELLS)
    heat = below(comparison_heat_map(comparison, width))
    for place, band in enumerate(bands):
        if place:
            text.append("\n")
        _heads(text, comparison, band, colours=colours, cells=cells)
        _differences(text, comparison, band, cells=cells)
        if not place:
            _conclusions(text, comparison.verdicts, min(_LINE, width - _INDENT))
        if not place and len(bands) > 1:
            text.append_text(heat)
        _results(text, comparison, band, cells=cells)
    if len(bands) == 1:
        text.append_text(heat)
    if comparison.repeated:
        _over_seeds(text, comparison, colours, width=width)
    return text


def _bands(count: int, width: int, *, least: int) -> list[range]:
    """Return the indices of the columns that stand side by side, as evenly as it goes."""
    fitting = max(1, (width - _TITLE - _INDENT) // least)
    each = math.ceil(count / math.ceil(count / fitting))
    return [range(first, min(first + each, count)) for first in range(0, count, each)]


def _column(width: int, columns: int, *, least: int) -> int:
    return max(least, min(_MOST, (width - _TITLE - _INDENT) // columns))


def _heads(text: Text, comparison: Comparison, band: range, *, colours: dict[str, str], cells: int) -> None:
    runs = [comparison.runs[at] for at in band]
    names = _names([safe(run.name) for run in runs], cells - 2)
    titles = [_over_values(name, f"bold {colours[run.name]}", cells) for name, run in zip(names, runs, strict=True)]
    _row(text, "", titles, width=cells)
    found = [comparison.states[at].state for at in band]
    words = [_over_values(f"{state_glyph(state)} {state}", "not bold", cells) for state in found]
    _row(text, "", words, width=cells)


def _differences(text: Text, comparison: Comparison, band: range, *, cells: int) -> None:
    text.append("\nDifferences\n", "dim")
    for name, values in comparison.differences.items():
        found = [_over_values(value_text(values[at]), "not bold", cells) for at in band]
        _row(text, name, found, width=cells)
    if not comparison.differences:
        text.append("  nothing: the same recipe\n")


def _conclusions(text: Text, verdicts: Sequence[str], width: int) -> None:
    if verdicts:
        text.append("\nConclusions\n", "dim")
    first, further = " " * _INDENT, " " * 2 * _INDENT
    for verdict in verdicts:
        for line in wrapped(safe(verdict), width, first=first, further=further):
            text.append(f"{line}\n")


def _results(text: Text, comparison: Comparison, band: range, *, cells: int) -> None:
    text.append("\nResults\n", "dim")
    star = "★" if draws_unicode() else "*"
    for measure in comparison.measures:
        if any(value is not None for value in measure.values):
            found = [_cell(measure, at, star, room=cells) for at in band]
            _row(text, measure.title, found, width=cells)


def _over_seeds(text: Text, comparison: Comparison, colours: dict[str, str], *, width: int) -> None:
    """Append mean ± standard deviation of the runs that differ only in their seed."""
    text.append("\nover seeds: mean ± standard deviation\n", "dim")
    star = "★" if draws_unicode() else "*"
    for band in _bands(len(comparison.seeds), width, least=_WIDE):
        for group in (comparison.seeds[at] for at in band):
            title = wrapped(safe(comparison.group_title(group)), width, first="  ", further="    ")
            text.append("\n".join(title) + "\n", colours[comparison.runs[group.places[0]].name])
        cells = _column(width, len(band), least=_WIDE)
        for name, words, better in comparison.group_rows():
            _row(text, name, [_starred(safe(words[at]), at == better, star) for at in band], width=cells)


def _starred(words: str, better: bool, star: str) -> Cell:
    return (f"{words} {star}", "bold") if better else (f"{words}  ", "not bold")


def _cell(measure: Measure, index: int, star: str, *, room: int) -> Cell:
    words, style = _starred(measure.words(index), measure.better == index, star)
    beside = _difference(measure, index) if measure.comparable else ""
    return words + (f"{beside:>{_BESIDE}}" if room >= _ROOMY else ""), style


def _over_values(words: str, style: str, cells: int) -> Cell:
    """Return words that end where the column's numbers do, unless they need its whole width."""
    after = " " * (2 + (_BESIDE if cells >= _ROOMY else 0))  # a star and a difference
    return (words + after, style) if cell_len(words + after) < cells else (words, style)


def _difference(measure: Measure, index: int) -> str:
    """Return by how much a value is above the first run's; empty where that says nothing."""
    first, value = measure.values[0], measure.values[index]
    if index == 0 or not measure.metric or first is None or value is None or not math.isfinite(value - first):
        return ""
    change = 100 * (value - first) if measure.unit == "share" else value - first
    words = f"{abs(change):.1f}" if measure.unit == "share" else size(abs(change)) if measure.unit == "bytes" else ""
    return f"({'+' if change >= 0 else '-'}{words or number(abs(change))})"


def _names(names: list[str], cells: int) -> list[str]:
    """Return the names, shortened in the middle where they are still told apart then."""
    short = [shortened(name, min(cells, cell_len(name))) for name in names]
    return short if len(set(short)) == len(set(names)) else names


def _row(text: Text, title: str, cells: list[Cell], *, width: int) -> None:
    """Append a row, its values at the right of their columns.

    A value that is too long continues below: cut, it might look like another.
    """
    columns = [[words] if cell_len(words) < width else chop_cells(words, width - 1) for words, _ in cells]
    for line in range(max(map(len, columns))):
        text.append(f"{'':{_INDENT}}{'' if line else title:<{_TITLE}}", "not bold")
        for parts, (_, style) in zip(columns, cells, strict=True):
            words = parts[line] if line < len(parts) else ""
            text.append(" " * (width - cell_len(words)) + words, style)
        text.append("\n")
