"""Say in words what became of a sweep's trials, for the command line and the dashboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.results import TrialResult
from simclr_tui.text import percent, value_text


def state_words(sweep: Sweep, results: Sequence[TrialResult]) -> str:
    """Return `12 finished, 3 queued`, and whether the user has stopped the sweep."""
    counted: Counter[str] = sum((result.states for result in results), Counter())
    words = ", ".join(f"{count} {state}" for state, count in counted.most_common())
    return (words or "no runs yet") + (" (stopped)" if sweep.stopped else "")


def trial_states(result: TrialResult) -> str:
    """Return the states of a trial's runs, `finished` or `2 finished, failed`."""
    return ", ".join(f"{count} {state}" if count > 1 else state for state, count in result.states.items())


def values_words(result: TrialResult | None) -> str:
    """Return a trial's values as `temp 0.1, bs 256`."""
    return ", ".join(f"{name} {value_text(value)}" for name, value in result.values.items()) if result else ""


def score_words(result: TrialResult) -> str:
    """Return a trial's kNN as `87.2%`, with its deviation over seeds where there are several."""
    spread = f" ± {100 * result.std:.1f} (n={len(result.scores)})" if result.std is not None else ""
    return percent(result.mean) + spread
