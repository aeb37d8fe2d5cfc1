"""Print a sweep as text: its table of trials, the best one, importances, and kNN over each field."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

from simclr_tui.catalog.row import Row
from simclr_tui.cli import output
from simclr_tui.cli.parallel_coordinates import parallel_lines
from simclr_tui.report.heat_maps import sweep_heat_map
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.results import TrialResult, best_trial, importances, sweep_results, sweep_verdict
from simclr_tui.sweep.words import score_words, state_words, trial_states, values_words
from simclr_tui.text import number, percent, value_text

_ROWS = 8  # height of a slice plot


def as_json(sweep: Sweep, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the stable form of `sweep show --json`."""
    results = sweep_results(sweep, rows)
    best, verdict = best_trial(results), sweep_verdict(results)
    return {
        "name": sweep.name,
        "sampler": sweep.sampler,
        "trials": sweep.trials,
        "seeds": list(sweep.seeds),
        "stopped": sweep.stopped,
        "best": None if best is None else best.number,
        "told_apart": verdict.winner is not None,
        "verdict": verdict.words,
        "importance": importances(sweep, results),
        "results": [
            {"trial": one.number, "values": one.values, "runs": list(one.runs), "states": dict(one.states),
             "knn": one.mean, "knn_std": one.std, "averaged": len(one.scores),
             "knn_interval": one.spread.as_json()["interval"] if one.spread else None, "published": one.published}
            for one in results
        ],
    }  # fmt: skip


def print_sweep(sweep: Sweep, rows: Sequence[Row], lines: bool = False) -> None:
    """Print what `sweep show` shows; with `lines`, parallel coordinates replace the plots of kNN over each field."""
    results = sweep_results(sweep, rows)
    published = any(result.published is not None for result in results)
    titles = ["trial", *sweep.varied, "kNN", *(["published"] if published else []), "runs", "state"]
    output.table(
        titles, [_cells(result, published) for result in results], right=range(len(titles) - 2),
        drop=["runs", "state", "published", *reversed(sweep.varied)],
    )  # fmt: skip
    if published:
        output.data(f"published: {sweep.published_as}")
    best = best_trial(results)
    output.data()
    output.data(
        f"{sweep.name}{': ' + sweep.title if sweep.title else ''}, {sweep.sampler}, {state_words(sweep, results)}"
    )
    verdict = sweep_verdict(results)
    if best is None:
        output.data(verdict.words) if verdict.words else None
        return
    output.data(
        f"best: trial {best.number} with {values_words(best)}, kNN {score_words(best)}; simclr show {best.runs[0]}"
    )
    if verdict.words:
        output.data(verdict.words)
    shares = {name: share for name, share in importances(sweep, results).items() if share is not None}
    for name, share in sorted(shares.items(), key=lambda item: -item[1]):
        output.data(f"{name:>16} {'█' * round(20 * share):<20} {percent(share)} of the variance of kNN by itself")
    output.below(sweep_heat_map(sweep, results, output.width()))
    if lines:
        output.data()
        for line in parallel_lines(sweep, results, min(120, shutil.get_terminal_size((80, 24)).columns)):
            output.data(line)
        return
    for name in sweep.varied:
        _slice(name, results)


def _cells(result: TrialResult, published: bool) -> list[str]:
    shown = [str(result.number), *(value_text(value) for value in result.values.values()), score_words(result)]
    if published:
        shown.append(number(result.published))
    runs = result.runs[0] if len(result.runs) == 1 else f"{result.runs[0]} … {result.runs[-1]}"
    return [*shown, runs, trial_states(result)]


def _slice(name: str, results: Sequence[TrialResult]) -> None:
    """Plot kNN over one field: one evenly spaced column per value, one mark per trial."""
    scored = [(result.values[name], result.mean) for result in results if result.mean is not None]
    values = sorted({value for value, _ in scored}, key=lambda value: (isinstance(value, str), value))
    cells = max(8, min(100, shutil.get_terminal_size((100, 24)).columns) - 8)
    if len(values) < 2 or len(values) * 2 > cells:
        return
    labels = [value_text(value) for value in values]
    labelled = max(8, *(len(label) + 1 for label in labels))
    fits = labelled * len(values) <= cells
    width = labelled if fits else 2
    low, high = min(mean for _, mean in scored), max(mean for _, mean in scored)
    span = high - low or 1.0
    grid = [[0] * len(values) for _ in range(_ROWS)]
    for value, mean in scored:
        grid[_ROWS - 1 - round((mean - low) / span * (_ROWS - 1))][values.index(value)] += 1
    output.data()
    output.data(f"kNN over {name}")
    for index, line in enumerate(grid):
        label = percent(high - span * index / (_ROWS - 1)) if index in (0, _ROWS - 1) else ""
        marks = "".join((str(min(count, 9)) if count > 1 else "o" if count else " ").center(width) for count in line)
        output.data(f"{label:>6} |{marks.rstrip()}")
    if fits:
        output.data(" " * 8 + "".join(label.center(width) for label in labels).rstrip())
    else:
        output.data(f"        from {labels[0]} to {labels[-1]}")
