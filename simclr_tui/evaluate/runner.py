"""Run protocols one after the other; each result is written the moment it is known, or not at all."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.evaluate.checkpoint_encoder import Subject
from simclr_tui.evaluate.context import Outcome, Settings, Task, labelled
from simclr_tui.evaluate.frozen import digest, frozen
from simclr_tui.evaluate.metrics import Score, score
from simclr_tui.evaluate.protocols.table import Protocol
from simclr_tui.store.evaluations import Evaluation, SeedResult, result_name, save_evaluation
from simclr_tui.train.data.folder import Progress
from simclr_tui.train.data.open import open_data
from simclr_tui.version import __version__


@dataclass(frozen=True)
class Images:
    """Which images to evaluate on: a data set and how many of its training images (0: all)."""

    data: str
    subset: int


def open_task(subject: Subject, images: Images, settings: Settings, progress: Progress) -> Task:
    """Open the labelled images. Raises DataError where there are no labels."""
    recipe = subject.recipe
    data = open_data(images.data, image_size=recipe.image_size, subset=images.subset, progress=progress)
    train, test = labelled(data, images.data)
    return Task(recipe, subject.encoder, subject.compute, train, test, data.classes, progress, settings)


def evaluate(
    subject: Subject, images: Images, task: Task, protocols: Sequence[Protocol], seeds: int
) -> Iterator[Evaluation]:
    """Measure and save each protocol. Raises EvaluationError when a frozen encoder has changed, and OSError."""
    progress = task.progress
    for protocol in protocols:
        began = time.monotonic()
        guard = frozen(task.encoder) if protocol.frozen else nullcontext(digest(task.encoder))
        outcomes: list[tuple[Outcome, Score]] = []
        with guard as encoder:
            count = seeds if protocol.drawn else 1
            for seed in range(count):
                task.progress = _named(progress, protocol.name, seed, count)
                outcome = protocol.measure(task, seed)
                outcomes.append((outcome, score(outcome.scores, task.labels(task.test))))
        seconds = time.monotonic() - began
        evaluation = _record(subject, images, task, protocol, encoder, outcomes, seconds)
        save_evaluation(subject.run.paths, evaluation)
        yield evaluation


def _named(progress: Progress, protocol: str, seed: int, seeds: int) -> Progress:
    which = f"{protocol}, seed {seed + 1} of {seeds}" if seeds > 1 else protocol
    return lambda what, done, total: progress(f"{which}: {what}", done, total)


def _record(
    subject: Subject, images: Images, task: Task, protocol: Protocol, encoder: str,
    outcomes: list[tuple[Outcome, Score]], seconds: float,
) -> Evaluation:  # fmt: skip
    recipe, manifest = subject.recipe, subject.manifest
    own = (recipe.data, recipe.subset)
    older = None if subject.newest else manifest.step
    confusion = torch.stack([found.confusion for _, found in outcomes]).sum(dim=0)
    return Evaluation(
        name=result_name(protocol.name, images.data, images.subset, own, older),
        protocol=protocol.name,
        data=images.data,
        subset=images.subset,
        step=manifest.step,
        epoch=manifest.epoch,
        checkpoint=manifest.sha256,
        encoder=encoder,
        frozen=protocol.frozen,
        classes=list(task.classes),
        train_images=len(task.train),
        test_images=len(task.test),
        hyperparameters=outcomes[0][0].hyperparameters,
        results=[_seed_result(seed, *pair) for seed, pair in enumerate(outcomes)],
        confusion=confusion.tolist(),
        device=subject.compute.name,
        precision=subject.compute.precision,
        versions={"simclr_tui": __version__, "torch": str(torch.__version__), "python": platform.python_version()},
        seconds=round(seconds, 3),
        wall=SYSTEM_CLOCK.wall(),
    )


def _seed_result(seed: int, outcome: Outcome, found: Score) -> SeedResult:
    return SeedResult(seed=seed, top1=found.top1, top5=found.top5, chosen=outcome.chosen, validation=outcome.validation)
