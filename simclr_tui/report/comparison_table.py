"""Lay a comparison out as a table, one column per run, and write it for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simclr_tui.catalog.compare import Comparison, compare
from simclr_tui.display.glyphs import GLYPHS, state_cell
from simclr_tui.store.export.target import write_target
from simclr_tui.store.run import Run
from simclr_tui.text import safe, value_text

LATEX_SUFFIXES = (".tex",)
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "–": "--", "×": r"$\times$", "≥": r"$\geq$",
    "≤": r"$\leq$",
}  # fmt: skip


def table_titles(comparison: Comparison) -> list[str]:
    """Return the titles of the columns: nothing above the names of the rows, then the runs."""
    return ["", *[run.name for run in comparison.runs]]


def table_rows(comparison: Comparison) -> list[list[str]]:
    """Return the rows of states, differing fields and measures, the best of each measure marked with *."""
    rows = [["state", *[state_cell(state.state, state.flags) for state in comparison.states]]]
    rows += [[name, *[value_text(value) for value in values]] for name, values in comparison.differences.items()]
    if not comparison.differences:
        rows.append(["recipe", *[comparison.no_difference] * len(comparison.runs)])
    for measure in comparison.measures:
        if all(value is None for value in measure.values):
            continue
        cells = [
            measure.words(index) + (" *" if index == measure.better else "") for index in range(len(measure.values))
        ]
        rows.append([measure.title, *cells])
    return rows


def as_latex(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a tabular for the package booktabs; the best of each measure, marked with *, is bold."""
    lines = [" & ".join(map(_latex_cell, line)) + r" \\" for line in (titles, *rows)]
    body = [rf"\begin{{tabular}}{{l{'r' * (len(titles) - 1)}}}", r"\toprule", lines[0], r"\midrule", *lines[1:]]
    return "\n".join([*body, r"\bottomrule", r"\end{tabular}"])


def _latex_cell(text: str) -> str:
    words = text.split(" ", 1)
    text = words[-1] if words[0] in GLYPHS else text
    escaped = "".join(_LATEX.get(char, char) for char in safe(text.removesuffix(" *")))
    return rf"\textbf{{{escaped}}}" if text.endswith(" *") else escaped


def write_latex(runs: Sequence[Run], target: Path) -> None:
    """Write the table of two runs or more, as `simclr compare --latex` prints it. Raises SimclrError."""
    comparison = compare(runs)
    write_target(target, f"{as_latex(table_titles(comparison), table_rows(comparison))}\n".encode())
