"""Run protocols one after another; each result is written as soon as it is complete, or not at all."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.evaluate.checkpoint_encoder import LoadedEncoder
from simclr_tui.evaluate.context import Context, Outcome, Settings, labelled_splits
from simclr_tui.evaluate.frozen import digest, frozen
from simclr_tui.evaluate.metrics import Metrics, compute_metrics
from simclr_tui.evaluate.protocols.table import measure_of
from simclr_tui.paths import RunPaths
from simclr_tui.store.comparable import DIGESTS
from simclr_tui.store.evaluations import Evaluation, Hyperparameter, SeedResult, result_name, save_evaluation
from simclr_tui.store.protocols import Protocol
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.facts import range_change
from simclr_tui.train.data.open import open_data
from simclr_tui.version import __version__


@dataclass(frozen=True)
class EvaluationData:
    """Name the data set to evaluate on and how many of its training images (0: all)."""

    name: str
    subset: int


def open_context(loaded: LoadedEncoder, data: EvaluationData, settings: Settings, *, progress: Progress) -> Context:
    """Open the labelled images. Raises DataError where there are no labels."""
    recipe = loaded.recipe
    opened = open_data(
        data.name, image_size=recipe.image_size, subset=data.subset,
        progress=progress, reading=recipe.reading, digests=True,
    )  # fmt: skip
    loaded.encoder.check_channels(opened.channels, data.name)
    train, test = labelled_splits(opened, data.name)
    changed = range_change(loaded.run.path, data.name, opened.scaling)
    return Context(
        recipe, loaded.encoder, loaded.compute, train, test, opened.classes, progress, settings, changed, loaded.head,
        opened.held_out.get(DIGESTS["test"], ""),
    )  # fmt: skip


def evaluate(
    loaded: LoadedEncoder, data: EvaluationData, context: Context, *, protocols: Sequence[Protocol], seeds: int,
    paths: RunPaths | None = None,
) -> Iterator[Evaluation]:  # fmt: skip
    """Measure, save (in the run's folder, or by `paths`) and yield each protocol's evaluation.

    Raises EvaluationError when a frozen encoder has changed, and OSError when a result cannot be written.
    """
    progress = context.progress
    for protocol in protocols:
        began = time.monotonic()
        unchanged = frozen(context.encoder) if protocol.frozen else nullcontext(digest(context.encoder))
        outcomes: list[tuple[Outcome, Metrics]] = []
        with unchanged as encoder:
            count = seeds if protocol.seeded else 1
            for seed in range(count):
                context.progress = _prefixed(progress, _title(protocol.name, seed, count))
                outcome = measure_of(protocol)(context, seed)
                outcomes.append((outcome, compute_metrics(outcome.scores, context.labels(context.test))))
        seconds = time.monotonic() - began
        evaluation = _record(
            loaded, data, context, protocol=protocol, encoder=encoder, outcomes=outcomes, seconds=seconds
        )
        save_evaluation(paths or loaded.run.paths, evaluation)
        yield evaluation


def _title(protocol: str, seed: int, seeds: int) -> str:
    return f"{protocol}, seed {seed + 1} of {seeds}" if seeds > 1 else protocol


def _prefixed(progress: Progress, title: str) -> Progress:
    return lambda what, done, total: progress(f"{title}: {what}", done, total)


def _record(
    loaded: LoadedEncoder, data: EvaluationData, context: Context, *, protocol: Protocol, encoder: str,
    outcomes: list[tuple[Outcome, Metrics]], seconds: float,
) -> Evaluation:  # fmt: skip
    recipe, manifest = loaded.recipe, loaded.manifest
    own = (recipe.data, recipe.subset)
    older = None if loaded.newest else manifest.step
    confusion = torch.stack([found.confusion for _, found in outcomes]).sum(dim=0)
    return Evaluation(
        name=result_name(_result_stem(protocol, context), data.name, data.subset, own=own, older_step=older),
        protocol=protocol.name,
        data=data.name,
        subset=data.subset,
        step=manifest.step,
        epoch=manifest.epoch,
        checkpoint=manifest.sha256,
        encoder=encoder,
        frozen=protocol.frozen,
        classes=list(context.classes),
        train_images=len(context.train),
        test_images=len(context.test),
        test_digest=context.test_digest,
        smallest_class=int(np.unique(context.train.labels, return_counts=True)[1].min()),
        hyperparameters=outcomes[0][0].hyperparameters | _seen(context),
        results=[_seed_result(seed, *pair) for seed, pair in enumerate(outcomes)],
        confusion=confusion.tolist(),
        device=loaded.compute.name,
        precision=loaded.compute.precision,
        versions={"simclr_tui": __version__, "torch": str(torch.__version__), "python": platform.python_version()},
        seconds=round(seconds, 3),
        wall=SYSTEM_CLOCK.wall(),
    )


def _result_stem(protocol: Protocol, context: Context) -> str:
    """Return a protocol's name, and what of the head was fine-tuned: `finetune-1pct-head1`."""
    layers = context.settings.head_layers if protocol.finetunes else 0
    return f"{protocol.name}-head{layers}" if layers else protocol.name


def _seen(context: Context) -> dict[str, Hyperparameter]:
    """Return how the encoder saw the images, where that is not all of their central squares at the run's own range."""
    crop = context.recipe.eval_crop
    cropped: dict[str, Hyperparameter] = {"eval_crop": crop} if crop < 1.0 else {}
    return cropped | ({"range": context.range_change} if context.range_change else {})


def _seed_result(seed: int, outcome: Outcome, found: Metrics) -> SeedResult:
    return SeedResult(
        seed=seed,
        top1=found.top1,
        top5=found.top5,
        mean_ap=found.mean_ap,
        chosen=outcome.chosen,
        validation=outcome.validation,
    )
