"""`python -m simclr_tui.tasks.pca RUN_DIR`: project h of a sample of images on its first two principal components."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Point, Projection
from simclr_tui.tasks.image_bank import SPLITS, ImageBank, check_finite, compute_features, open_image_bank
from simclr_tui.tasks.reply import Progress, send_reply
from simclr_tui.train.data.images import draw
from simclr_tui.train.persist.checkpoint import newest_encoder

SAMPLE = 2000  # images; more would overlap in a terminal


def project(run: Run, *, data: str | None, split: str | None, device: str, sample: int = SAMPLE) -> Projection:
    """Project h of at most `sample` images, drawn in turn from every class. Raises SimclrError."""
    encoder, step = newest_encoder(run)
    progress = Progress()
    bank = open_image_bank(run.recipe, data, split, progress=progress)
    drawn = bank.take(draw(bank.labels, sample))
    h = compute_features(encoder, drawn, run.recipe, device=device, progress=progress)
    check_finite(h, run.name, step)
    scores, explained = principal_components(h)
    rows = zip(scores.tolist(), drawn.classes, drawn.index.tolist(), drawn.splits, strict=True)
    return Projection(
        points=[Point(x, y, label, index, split) for (x, y), label, index, split in rows],
        explained=(float(explained[0]), float(explained[1])),
        classes=_classes(drawn),
        images=len(bank),
        step=step,
    )


def principal_components(h: NDArray[np.floating], count: int = 2) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores (N, count) of h (N, dim) on its first components, and the share of variance of each (count,).

    Each component's largest loading in magnitude is positive. Components that h does not have are zeros. Computed from
    the N × N Gram matrix in float64, as dim may be many times N.
    """
    centred = h.astype(np.float64) - h.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    values = np.where(values > 1e-12 * values[0], values, 0.0)
    loadings = vectors.T @ centred
    largest = np.take_along_axis(loadings, np.abs(loadings).argmax(axis=1, keepdims=True), axis=1)[:, 0]
    missing = count - len(values)
    scores = np.pad(vectors * np.where(largest < 0, -1.0, 1.0) * np.sqrt(values), ((0, 0), (0, missing)))
    total = np.square(centred).sum()
    return scores, np.pad(values / total if total else values, (0, missing))


def _classes(bank: ImageBank) -> list[str]:
    named = dict(sorted(zip(bank.labels.tolist(), bank.classes, strict=True)))
    unlabelled = [named.pop(-1)] if -1 in named else []
    return [*named.values(), *unlabelled]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.tasks.pca", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", help="data set (default: the run's)")
    parser.add_argument("--split", choices=SPLITS)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args(arguments)
    return send_reply(lambda: project(Run(given.run), data=given.data, split=given.split, device=given.device))


if __name__ == "__main__":
    sys.exit(main())
