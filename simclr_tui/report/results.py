"""What came out, for a report: results with intervals, recipes, curves and evaluations."""

from __future__ import annotations

from collections.abc import Sequence

from simclr_tui.catalog.compare import Comparison
from simclr_tui.catalog.spread import Spread
from simclr_tui.display.glyphs import state_cell
from simclr_tui.recipe.fields import fields
from simclr_tui.report.blocks import Block, Drawing, Heading, Paragraph, Table
from simclr_tui.report.curves import draw_curves
from simclr_tui.store.evaluations import Evaluation
from simclr_tui.store.metrics.metric_table import CHARTED
from simclr_tui.store.run import Run
from simclr_tui.text import percent, spread, value_text

_CURVES = (*CHARTED, "rank_h")
_MATRIX = 20  # classes up to which a confusion matrix is drawn
_SHOWN = 4  # runs whose matrices and recipes are shown


def results_section(comparison: Comparison) -> list[Block]:
    """Return a row per run, the table over seeds with intervals, and what can be concluded."""
    measures = [measure for measure in comparison.measures if any(value is not None for value in measure.values)]
    varied = list(comparison.differences)
    rows = []
    for at, run in enumerate(comparison.runs):
        cells = [value_text(comparison.differences[name][at]) for name in varied]
        cells += [measure.words(at) + (" *" if measure.better == at else "") for measure in measures]
        state = comparison.states[at]
        rows.append([run.name, state_cell(state.state, state.flags), *cells])
    titles = ["run", "state", *varied, *(measure.title for measure in measures)]
    blocks: list[Block] = [Heading("Results"), Table(titles, rows)]
    if comparison.repeated:
        blocks += [
            Paragraph("Over seeds: mean ± sample standard deviation, and the 95% interval of the mean."),
            _seeds(comparison),
        ]
    blocks += [Paragraph(verdict) for verdict in comparison.verdicts]
    return blocks


def _seeds(comparison: Comparison) -> Table:
    """Return the table over seeds, with the 95% interval of each mean accuracy below it."""
    titles = ["", *(comparison.group_title(group) for group in comparison.seeds)]
    rows = []
    at = {measure.title: index for index, measure in enumerate(comparison.measures)}
    for name, cells, better in comparison.group_rows():
        rows.append([name, *(cell + (" *" if place == better else "") for place, cell in enumerate(cells))])
        if name in at and comparison.measures[at[name]].unit == "share":
            intervals = [_interval(group.spreads[at[name]]) for group in comparison.seeds]
            rows += [["95% interval", *intervals]] if any(one != "–" for one in intervals) else []
    return Table(titles, rows)


def _interval(found: Spread | None) -> str:
    if found is None or found.half is None:
        return "–"
    low, high = max(0.0, found.mean - found.half), min(1.0, found.mean + found.half)  # a share ends there
    return f"{percent(low)} to {percent(high)}"


def recipes_section(comparison: Comparison) -> list[Block]:
    """Return the fields whose value is not the default in some run; the rest is as `simclr run --help` says."""
    runs = comparison.runs[:_SHOWN]
    known = [run.resolved.known_values() for run in runs]
    apart: list[list[str]] = []
    shared: list[list[str]] = []
    for item in fields():
        cells = [value_text(one[item.short]) for one in known]
        if len(set(cells)) > 1:
            apart.append([item.short, *cells, item.paper])
        elif known[0][item.short] not in (None, item.default):
            shared.append([item.short, cells[0], item.paper])
    same = f"No field differs: {comparison.no_difference}." if not comparison.differences and len(runs) > 1 else ""
    words = f"{same} Fields that are not at their default; the last column is the paper's section.".strip()
    titles = ["field", *(run.name for run in runs), "paper"]
    tables = [Table(titles, apart)] if apart else []
    tables += [Table(["field", _shared_title(comparison.runs), "paper"], shared)] if shared else []
    return [Heading("Recipes"), Paragraph(words), *tables]


def _shared_title(runs: Sequence[Run]) -> str:
    if len(runs) == 1:
        return runs[0].name
    return "every run" if len(runs) <= _SHOWN else f"each of the first {_SHOWN}"


def curves_section(comparison: Comparison) -> list[Block]:
    named = [(run.name, history) for run, history in zip(comparison.runs, comparison.histories, strict=True)]
    drawn = [(metric, draw_curves(named, metric)) for metric in _CURVES]
    found: list[Block] = [Drawing(svg, f"{metric} over steps") for metric, svg in drawn if svg]
    return [Heading("Curves"), *found] if found else []


def evaluations_section(runs: Sequence[Run]) -> list[Block]:
    found = [(run, evaluation) for run in runs for evaluation in run.evaluations]
    if not found:
        return []
    rows = [
        [run.name, one.name, one.data, spread(one.top1, one.top1_std), spread(one.top5, one.top5_std),
         str(len(one.results)), f"{one.test_images:,}", f"{one.step:,}"]
        for run, one in found
    ]  # fmt: skip
    titles = ["run", "protocol", "data", "top-1", "top-5", "seeds", "test images", "step"]
    matrices = [block for run, one in _one_each(found) for block in _confusion(run, one)]
    return [Heading("Evaluations"), Table(titles, rows), *matrices]


def _one_each(found: Sequence[tuple[Run, Evaluation]]) -> list[tuple[Run, Evaluation]]:
    """Return one evaluation of each of the first runs: the linear probe where there is one."""
    best: dict[str, tuple[Run, Evaluation]] = {}
    for run, one in found:
        if run.name not in best or one.name == "linear":
            best[run.name] = (run, one)
    return list(best.values())[:_SHOWN]


def _confusion(run: Run, found: Evaluation) -> list[Block]:
    if not found.confusion or len(found.classes) > _MATRIX:
        return []
    shares = [[count / sum(row) if sum(row) else 0.0 for count in row] for row in found.confusion]
    rows = [[name, *(f"{100 * share:.0f}" for share in row)] for name, row in zip(found.classes, shares, strict=True)]
    shades = [[None, *row] for row in shares]
    words = f"{run.name}, {found.name}: % of each true class (row) predicted as each class (column)."
    return [Paragraph(words), Table(["", *found.classes], rows, shades)]
