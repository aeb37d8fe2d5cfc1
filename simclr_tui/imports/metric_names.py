"""Say which of our metrics another program's metric is, by its name and by what the user says."""

from __future__ import annotations

import math
from collections.abc import Mapping

from simclr_tui.errors import RecipeError
from simclr_tui.imports.foreign_run import ForeignRun, Series
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.text import did_you_mean, safe

# Names that mean one thing wherever SimCLR is trained. `loss` alone or of the training set is the contrastive loss.
_ALSO = {
    "train/loss": "loss", "loss/train": "loss", "train_loss": "loss", "train_loss_step": "loss",
    "training_loss": "loss", "train/loss_step": "loss", "nt_xent": "loss", "train/nt_xent": "loss",
    "knn_acc": "knn", "knn_acc1": "knn", "knn_top1": "knn", "knn/top1": "knn", "knn/acc": "knn", "val/knn": "knn",
    "val_knn": "knn", "val_knn_acc1": "knn", "knn_accuracy": "knn", "eval/knn": "knn",
    "learning_rate": "lr", "train/lr": "lr", "lr-sgd": "lr", "lr-lars": "lr",
}  # fmt: skip


def parse_names(given: list[str]) -> dict[str, str]:
    """Return what `THEIRS=OURS` says, several times. Raises RecipeError for a text of another form or no metric."""
    found: dict[str, str] = {}
    for text in given:
        theirs, equals, ours = text.rpartition("=")
        if not equals or not theirs:
            raise RecipeError(f"--metric takes THEIRS=OURS, not {safe(text)!r}", "as in --metric train/nt_xent=loss")
        if ours not in METRICS or not METRICS[ours].series:
            raise RecipeError(f"no metric {safe(ours)!r}", did_you_mean(ours, METRICS) or "see docs/reference.md")
        found[theirs] = ours
    return found


def renamed(run: ForeignRun, given: Mapping[str, str]) -> tuple[dict[str, Series], list[str]]:
    """Return the run's series under our names where they are ours, and sentences on what was renamed or scaled.

    Raises RecipeError if the user names a metric that the run does not have.
    """
    missing = next((theirs for theirs in given if theirs not in run.series), None)
    if missing is not None:
        hint = did_you_mean(missing, run.series) or f"it has {', '.join(sorted(run.series)[:20])}"
        raise RecipeError(f"{safe(run.name)} has no metric {safe(missing)!r}", safe(hint))
    chosen: dict[str, str] = {ours: theirs for theirs, ours in given.items()}
    for theirs in run.series:
        if theirs.lower() in METRICS and theirs not in given:
            chosen.setdefault(theirs.lower(), theirs)
    for theirs in run.series:
        if (ours := _ALSO.get(theirs.lower())) and theirs not in given:
            chosen.setdefault(ours, theirs)
    names = {theirs: ours for ours, theirs in chosen.items()}
    said = [f"{theirs} is taken as {ours}" for theirs, ours in names.items() if theirs != ours]
    found: dict[str, Series] = {}
    for theirs, series in run.series.items():
        name = names.get(theirs, theirs)
        if name in found:  # theirs has the name of one of ours, which the user gave to another
            name = f"{name} (theirs)"
        found[name], scaled = _as_share(name, series)
        said += [f"{theirs} is in percent there, and divided by 100"] if scaled else []
    return found, said


def _as_share(name: str, series: Series) -> tuple[Series, bool]:
    """Return a share as 0–1: some programs log 83.9 where others log 0.839."""
    finite = [value for value in series.values() if math.isfinite(value)]
    if name not in METRICS or METRICS[name].unit != "share" or not finite or max(finite) <= 1.0:
        return series, False
    return {step: value / 100 for step, value in series.items()}, True
