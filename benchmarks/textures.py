"""Measure whether encoders tell textures apart alike, whatever kind of image they are trained on.

    python -m benchmarks.textures run STORE        train what is missing, one run at a time
    python -m benchmarks.textures report STORE     print kNN on the test images of each kind; --json for all figures

The same textures are stored as 8-bit copies made by hand, and in 12 bits, signed, as floats, dim, in five channels and
stacked. One small encoder is trained on each kind for each seed. The same command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.managed_runs import evaluate_run, knn_on_test, train_run

SEEDS = tuple(range(10))
COPY = "8-bit copy"
_SIDE, _TRAIN, _TEST = 24, 480, 300
_RECIPE = {
    "--encoder": "resnet18", "--width": "0.125", "--image-size": str(_SIDE), "--bs": "60", "--epochs": "12",
    "--warmup": "1", "--head-dim": "32", "--knn-k": "10", "--knn-every": "12", "--checkpoint-every": "12",
    "--threads": "1", "--device": "cpu", "--precision": "fp32",
}  # fmt: skip


def textures(count: int, side: int, *, contrast: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return images (count, side, side) in 0–1 of stripes, checks and spots under noise, and their labels (count,)."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] * 0.9
    images, labels = [], np.arange(count) % 3
    for label in labels:
        a, b = chance.uniform(0, 6, 2)
        stripes, checks = np.sin(x + a), np.sin(x + a) * np.sin(y + b)
        figure = (stripes, checks, np.abs(checks))[label]
        images.append(0.5 + contrast * figure + chance.normal(0, 0.14, figure.shape))
    return np.clip(images, 0, 1), labels


def originals(images: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return images of 0–1 as the instruments of several fields would store them."""
    tops = (300, 900, 4095, 20_000, 65_535)
    return {
        "12 bits": np.rint(images * 4095).astype(np.uint16),
        "signed": np.rint(images * 4000 - 1000).astype(np.int16),
        "float": images.astype(np.float32),
        "dim": np.rint(100 + images * 150).astype(np.uint16),
        "5 channels": np.stack([np.rint(images * top).astype(np.uint16) for top in tops], -1),
        "stacked": np.stack([np.rint(images * 4095), np.rint((1 - images) * 4095)], -1).astype(np.uint16),
    }


def copy_of_8_bits(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return images of 0–1 as 8-bit grey."""
    return np.rint(images * 255).astype(np.uint8)


def train(store: Path) -> None:
    """Write every kind into the store as arrays, and train and evaluate what is missing."""
    store.mkdir(parents=True, exist_ok=True)
    images, labels = textures(_TRAIN + _TEST, _SIDE, contrast=0.055, seed=8)
    kinds = {COPY: copy_of_8_bits(images), **originals(images)}
    for kind, stored in kinds.items():
        np.savez(
            store / f"{_word(kind)}.npz", images=stored[:_TRAIN], labels=labels[:_TRAIN],
            test_images=stored[_TRAIN:], test_labels=labels[_TRAIN:],
        )  # fmt: skip
    for seed in SEEDS:  # outermost, so that an interrupted call has some of every kind
        for kind in kinds:
            name, data = f"{_word(kind)}-{seed}", f"npz:{(store / _word(kind)).resolve()}.npz"
            state = train_run(store, name, _RECIPE | {"--data": data, "--seed": str(seed)})
            evaluate_run(store, name)
            print(f"{name}: {state}", flush=True)


def _word(kind: str) -> str:
    return kind.replace(" ", "-")


def report(store: Path) -> dict[str, list[float]]:
    """Return for each kind the kNN accuracy (0–1) on the test images of every seed that was measured."""
    kinds = (COPY, *originals(np.zeros((1, 1, 1))))
    found = {kind: [knn_on_test(store / f"{_word(kind)}-{seed}") for seed in SEEDS] for kind in kinds}
    return {kind: [value for value in values if value is not None] for kind, values in found.items()}


def standard_error(values: Mapping[str, list[float]], kind: str) -> float:
    """Return the standard error of the difference between a kind's mean accuracy and that of the 8-bit copies.

    Of two groups of seeds, and no less than that of the test images, which are the same for all (one binomial each).
    """
    one, other = values[kind], values[COPY]
    seeds = sum(float(np.var(group, ddof=1)) / len(group) for group in (one, other) if len(group) > 1)
    mean = float(np.mean(other))
    return float(np.sqrt(max(seeds, mean * (1 - mean) / _TEST)))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("run", "report"))
    parser.add_argument("store", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    if given.verb == "run":
        train(given.store)
    found = report(given.store)
    if given.json:
        print(json.dumps(found))
        return 0
    for kind, values in found.items():
        if not values or not found[COPY]:
            print(f"{kind:12} not measured: {len(values)} of {len(SEEDS)} runs")
            continue
        error, change = standard_error(found, kind), float(np.mean(values) - np.mean(found[COPY]))
        shown = " ".join(f"{value:.3f}" for value in values)
        print(
            f"{kind:12} kNN {np.mean(values):.3f} ({shown}), {change:+.3f} against {COPY}, standard error {error:.3f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
