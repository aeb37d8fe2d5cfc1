"""Evaluation contexts that take a second: given features, or a narrow encoder on generated shapes."""

from __future__ import annotations

import numpy as np
import torch

from simclr_tui.evaluate.context import Context, Features, LabelledImages, Settings
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.shapes import draw_shapes, shape_labels
from simclr_tui.train.device import Compute
from simclr_tui.train.model.build import build_encoder

CPU = Compute(torch.device("cpu"), None)
RECIPE = Recipe(image_size=16, width=0.125, crop_min=0.3)


def silent(_what: str, _done: int, _total: int) -> None:
    pass


def clusters(n: int, classes: int, dim: int, seed: int, noise: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping clusters, moved and stretched as features are: (n, dim) and classes (n,)."""
    centres = np.random.default_rng(0).normal(size=(classes, dim))
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, n)
    stretch = np.geomspace(0.2, 3.0, dim)
    return (centres[labels] + noise * random.normal(size=(n, dim)) + 1.0) * stretch, labels


def feature_context(n: int = 400, classes: int = 7, dim: int = 12, epochs: int | None = None) -> Context:
    """A context whose features are clusters, without images or an encoder."""
    (train, train_labels), (test, test_labels) = clusters(n, classes, dim, 1), clusters(150, classes, dim, 2)
    nothing = np.zeros((1, 3, 1, 1), np.uint8)
    context = Context(
        RECIPE, None, CPU, LabelledImages(nothing, train_labels), LabelledImages(nothing, test_labels),
        tuple(map(str, range(classes))), silent, Settings(k=20, epochs=epochs),
    )  # fmt: skip
    context.features = Features(*map(torch.tensor, (train.astype(np.float32), train_labels)),
                             *map(torch.tensor, (test.astype(np.float32), test_labels)))  # fmt: skip
    return context


def image_context(n: int = 120, epochs: int | None = None) -> Context:
    """A context of generated shapes and an untrained encoder."""
    torch.manual_seed(0)
    encoder = build_encoder(RECIPE).eval().requires_grad_(False)
    train, test = (
        LabelledImages(draw_shapes(stream, np.arange(count), 16), shape_labels(np.arange(count)))
        for stream, count in ((0, n), (1, 50))
    )
    return Context(RECIPE, encoder, CPU, train, test, tuple(map(str, range(10))), silent, Settings(20, 0.1, epochs))
