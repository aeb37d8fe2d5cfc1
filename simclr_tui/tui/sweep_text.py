"""Say what a sweep has come to: its best trial, how much each field matters, and kNN by the values of the fields."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rich.text import Text

from simclr_tui.recipe.fields import Value
from simclr_tui.report.heat_maps import sweep_heat_map
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.results import TrialResult, best_trial, importances, sweep_verdict
from simclr_tui.sweep.words import score_words, state_words, values_words
from simclr_tui.text import percent, safe, value_text
from simclr_tui.tui.lines import below
from simclr_tui.tui.runs.second_line import bar
from simclr_tui.tui.wrapping import wrapped

_MOST_VALUES = 8  # of a field, above which they are put together in bins
_BINS = 4
_BAR = 16


def sweep_text(sweep: Sweep, results: Sequence[TrialResult], width: int) -> Text:
    """Return the summary beside the trials, in lines of up to `width` cells."""
    text = Text(no_wrap=True)
    _append(text, f"{sweep.sampler} · {len(results)} of {sweep.trials} trials · {state_words(sweep, results)}", width)
    best, verdict = best_trial(results), sweep_verdict(results)
    if best is not None:
        text.append("\nBest trial\n", "dim")
        _append(text, f"{best.number}: {values_words(best)}", width, style="bold")
        _append(text, f"kNN {score_words(best)}, run {best.runs[0]}", width)
    if verdict.words:
        _append(text, verdict.words, width)
    if best is None:  # nothing is known yet, or the accuracies cannot be compared: an average of them would say nothing
        return text
    shares = {name: share for name, share in importances(sweep, results).items() if share is not None}
    if shares:
        text.append("\n")
        _append(text, "Variance of kNN that each field alone explains", width, style="dim")
    for name, share in sorted(shares.items(), key=lambda item: -item[1]):
        text.append(f"{name:>14} {bar(share, _BAR)} {percent(share)}\n", "not bold")
    text.append_text(below(sweep_heat_map(sweep, results, max(20, width))))
    for name in sweep.varied:
        text.append_text(_by_value(name, results))
    return text


def _append(text: Text, words: str, width: int, *, style: str = "not bold") -> None:
    for line in wrapped(safe(words), max(20, width)):
        text.append(f"{line}\n", style)


def _by_value(name: str, results: Sequence[TrialResult]) -> Text:
    """Return a line per value of a field: the mean kNN of its trials and their number."""
    scored = [(one.values[name], one.mean) for one in results if one.mean is not None and name in one.values]
    groups = _grouped(scored)
    text = Text(no_wrap=True)
    if len(groups) < 2:
        return text
    text.append(f"\nkNN by {name}\n", "dim")
    highest = max(fmean(means) for _, means in groups)
    for words, means in groups:
        mean, count = fmean(means), len(means)
        text.append(f"{words:>14} {bar(mean / highest if highest > 0 else 0.0, _BAR)} ", "not bold")
        text.append(f"{percent(mean):>6}", "bold" if mean == highest else "not bold")
        text.append(f"  {count} trial{'s' if count > 1 else ''}\n", "not bold dim")
    return text


def _grouped(scored: Sequence[tuple[Value, float]]) -> list[tuple[str, list[float]]]:
    """Return the accuracies by value, in order; of many numbers, by ranges of about as many values."""
    values = sorted({value for value, _ in scored}, key=lambda value: (isinstance(value, str), value))
    if len(values) <= _MOST_VALUES:
        return [(value_text(one), [mean for value, mean in scored if value == one]) for one in values]
    size = -(-len(values) // _BINS)
    bins = [values[start : start + size] for start in range(0, len(values), size)]
    return [
        (f"{value_text(part[0])}–{value_text(part[-1])}", [mean for value, mean in scored if value in part])
        for part in bins
    ]
