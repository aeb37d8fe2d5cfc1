"""Evaluations of a run's encoder as files: one JSON file per protocol and data set, always replaced whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import statistics
from pathlib import Path

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.group_mode import make_folder
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.unreadable import UNREADABLE, refuse_unanswered
from simclr_tui.text import spread

FORMAT = 1

Hyperparameter = int | float | str | list[float]


class SeedResult(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the result of one seed. `chosen` was selected by `validation`, the accuracy on held-out training images.

    `mean_ap` is the mean over classes of the average precision; None in results that do not have it.
    """

    seed: int
    top1: float
    top5: float | None = None
    mean_ap: float | None = None
    chosen: dict[str, float] = {}
    validation: float | None = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Hold one protocol's result and everything needed to reproduce it.

    `frozen` means that the encoder was in eval mode, and that `encoder`, the digest of its parameters and buffers, was
    the same before and after. `confusion` counts test images over all seeds, one row per true class. `checkpoint` is
    the file's SHA-256, and `subset` the number of images drawn (0: all). Accuracies are 0–1.
    """

    format: int = FORMAT
    name: str
    protocol: str
    data: str
    subset: int
    step: int
    epoch: float
    checkpoint: str
    encoder: str
    frozen: bool
    classes: list[str]
    train_images: int
    test_images: int
    smallest_class: int = 0
    """Labelled training images of the smallest class; 0 in results that do not say."""
    test_digest: str = ""
    """A digest of the names, labels and content of the test images; empty in results that do not say."""
    hyperparameters: dict[str, Hyperparameter]
    results: list[SeedResult]
    confusion: list[list[int]]
    device: str
    precision: str
    versions: dict[str, str]
    seconds: float
    wall: float

    @property
    def top1(self) -> float:
        """Return the top-1 accuracy, the mean over the seeds (0–1)."""
        return statistics.fmean(result.top1 for result in self.results)

    @property
    def top1_std(self) -> float | None:
        """Return the sample standard deviation of top-1 over the seeds (n − 1); None for a single seed."""
        return statistics.stdev(result.top1 for result in self.results) if len(self.results) > 1 else None

    @property
    def top5(self) -> float | None:
        """Return the top-5 accuracy, the mean over the seeds (0–1); None for five classes or fewer."""
        known = [result.top5 for result in self.results if result.top5 is not None]
        return statistics.fmean(known) if known else None

    @property
    def top5_std(self) -> float | None:
        known = [result.top5 for result in self.results if result.top5 is not None]
        return statistics.stdev(known) if len(known) > 1 else None

    @property
    def mean_ap(self) -> float | None:
        """Return the mean average precision, the mean over the seeds (0–1); None in results that do not have it."""
        known = [result.mean_ap for result in self.results if result.mean_ap is not None]
        return statistics.fmean(known) if known else None

    @property
    def per_class(self) -> list[float | None]:
        """Return the accuracy on each class, the mean over the seeds; None for a class without test images."""
        return [row[i] / sum(row) if sum(row) else None for i, row in enumerate(self.confusion)]

    @property
    def balanced(self) -> float | None:
        """Return the mean accuracy over the classes (0–1); None where all have as many test images, or none has."""
        known = [accuracy for accuracy in self.per_class if accuracy is not None]
        sizes = {sum(row) for row in self.confusion if sum(row)}
        return statistics.fmean(known) if len(sizes) > 1 else None

    @property
    def words(self) -> str:
        """Return the result in words: `45.2 ± 0.3%, top-5 90.1 ± 0.2% (step 57, 3 seeds)`."""
        top5 = f", top-5 {spread(self.top5, self.top5_std)}" if self.top5 is not None else ""
        seeds = f", {len(self.results)} seeds" if len(self.results) > 1 else ""
        return f"{spread(self.top1, self.top1_std)}{top5} (step {self.step}{seeds})"

    def summary(self) -> dict[str, object]:
        """Return the figures without the confusion matrix, as lists print them in JSON."""
        return {
            "name": self.name,
            "protocol": self.protocol,
            "data": self.data,
            "step": self.step,
            "seeds": len(self.results),
            "top1": self.top1,
            "top1_std": self.top1_std,
            "top5": self.top5,
            "top5_std": self.top5_std,
        }

    def as_json(self) -> dict[str, object]:
        """Return the whole evaluation for JSON: the figures first, then what the file holds."""
        return {
            **self.summary(),
            "per_class": self.per_class,
            "balanced": self.balanced,
            "mean_ap": self.mean_ap,
            **msgspec.to_builtins(self),
        }


def result_name(protocol: str, data: str, subset: int, *, own: tuple[str, int], older_step: int | None = None) -> str:
    """Return the stem of a result's file name.

    It is the protocol alone for the run's `own` (data, subset) and its newest checkpoint; other data and an older
    checkpoint's step are appended.
    """
    parts = [protocol]
    if (data, subset) != own:
        known = re.fullmatch(r"[a-z0-9]+", data)
        parts += ["on", data if known else f"folder-{hashlib.sha256(data.encode()).hexdigest()[:8]}"]
        parts += [str(subset)] if subset else []
    if older_step is not None:
        parts += ["step", str(older_step)]
    return "-".join(parts)


def save_evaluation(paths: RunPaths, evaluation: Evaluation) -> Path:
    """Write or replace one result. Raises OSError, and then an older result is unchanged."""
    make_folder(paths.evaluations, exist_ok=True)
    target = paths.evaluations / f"{evaluation.name}.json"
    write_file(target, msgspec.json.format(msgspec.json.encode(evaluation), indent=1))
    with contextlib.suppress(OSError):
        os.utime(paths.root)  # by which a listing of a big store sees that something in the run's folder changed
    return target


def read_evaluation(paths: RunPaths, name: str, *, strict: bool = False) -> Evaluation | None:
    """Read one result; None if it is missing, damaged, empty or of a newer format.

    With `strict`, raises UnansweredError where it may be whole but cannot be read at the moment.
    """
    try:
        found = msgspec.json.decode(read_small(paths.evaluations / f"{name}.json"), type=Evaluation)
    except UNREADABLE as error:
        if strict:
            refuse_unanswered(error, f"{name}.json of {paths.root.name}")
        return None
    return found if found.format == FORMAT and found.results and found.name == name else None


def read_evaluations(paths: RunPaths, *, strict: bool = False) -> list[Evaluation]:
    """Read every readable result, in the order of their names. `strict` is that of `read_evaluation`."""
    names = sorted(path.stem for path in paths.evaluations.glob("*.json"))
    return [found for name in names if (found := read_evaluation(paths, name, strict=strict)) is not None]
