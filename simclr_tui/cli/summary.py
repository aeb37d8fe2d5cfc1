"""Print how a run ended: loss and kNN beside each other, and what to type next."""

from __future__ import annotations

import shlex
import shutil

from simclr_tui.cli import output
from simclr_tui.cli.chart import draw_chart, join_charts
from simclr_tui.display.glyphs import state_cell
from simclr_tui.errors import ExitCode
from simclr_tui.store.metrics.history import History
from simclr_tui.store.run import Run
from simclr_tui.store.state import State
from simclr_tui.text import duration, number, percent, safe, sparkline

_WIDEST = 120  # columns of both charts together
_NARROW = 70  # columns below which one stands below the other


def summarise(run: Run, status: State) -> None:
    """Print how the run ended, its curve, its kNN and what to type next."""
    history = run.history()
    losses = history.points("loss").values
    if len(losses) > 1:
        output.drawing(_chart(run, history), err=True)
        output.talk(f"loss  {sparkline(losses)}  {number(losses[0])} → {number(losses[-1])}")
    knn = history.points("knn")
    if knn.values:
        best = max(knn.values)
        output.talk(
            f"kNN   {percent(knn.values[0])} before the first step → {percent(knn.values[-1])}, best {percent(best)}"
        )
    speed = number(status.summary.get("images_per_s"))
    output.talk(
        f"{state_cell(status.state, status.flags)}: {run.name}, {status.step} of {status.steps} steps in "
        f"{duration(status.elapsed + status.time)}, {speed} images/s at the end"
    )
    if status.reason:
        output.talk(f"why: {safe(status.reason)}")
    output.talk(f"next: {_next(run, status)}")


def _next(run: Run, status: State) -> str:
    if status.state == "finished":
        return f"simclr show {run.name}, simclr compare {run.name} OTHER, simclr tui"
    if status.exit_code == ExitCode.DATA and not status.step:
        return _after_refused_data(run)
    if status.exit_code == ExitCode.DATA:  # a plain resume would meet the same images again
        return f"do as said above, then simclr resume {run.name}; simclr logs {run.name}"
    return f"simclr resume {run.name}, simclr logs {run.name}"


def _after_refused_data(run: Run) -> str:
    """Return what to do after a run whose images were refused before its first step: resuming it meets them again."""
    data = run.recipe.data
    look = f"; simclr data inspect {safe(shlex.quote(data))} looks at all of it" if ":" in data else ""
    return f"mend the data as said above, or give another --data, and run it again{look}"


def _chart(run: Run, history: History) -> str:
    """Return loss beside kNN, with chance and the store's best as lines to measure kNN by."""
    columns = min(_WIDEST, shutil.get_terminal_size((100, 24)).columns)
    each = columns if columns < _NARROW else (columns - 2) // 2
    loss = draw_chart([(run.name, history)], "loss", width=each, height=12)
    if not history.points("knn").values:
        return loss
    knn = draw_chart([(run.name, history)], "knn", width=each, height=12, references=_references(run))
    return f"{loss}\n{knn}" if each == columns else join_charts(loss, knn)


def _references(run: Run) -> dict[str, float]:
    from simclr_tui.catalog.catalog import Catalog
    from simclr_tui.catalog.references import knn_references, ranked_by_kind
    from simclr_tui.store.store import Store

    rows = Catalog(Store(run.path.parent)).rows()
    row = next((row for row in rows if row["name"] == run.name), None)
    return knn_references(run, row, ranked_by_kind(rows))
