"""The kNN classifier on h: each image's neighbours vote for its class (Wu et al. 2018, "Instance discrimination")."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.images import Images
from simclr_tui.train.data.pixels import levels_of
from simclr_tui.train.device import to_device

TEMPERATURE = 0.1  # of the weights by similarity
EQUAL = math.inf
"""The temperature at which every neighbour's vote weighs the same."""


def vote_temperature(recipe: Recipe) -> float:
    """Return the temperature of the votes that the recipe's `knn_weights` stands for."""
    return EQUAL if recipe.knn_weights == "equal" else TEMPERATURE


def mean_per_class(right: Tensor, labels: Tensor) -> float:
    """Return the mean over classes of the share of their queries that are right (balanced accuracy): chance is one in
    as many classes, however many images each has. `right` is bool (Q,), `labels` int64 (Q,)."""
    asked = torch.bincount(labels)
    hits = torch.bincount(labels, weights=right.double(), minlength=len(asked))
    return float((hits[asked > 0] / asked[asked > 0]).mean())


@torch.no_grad()
def knn_accuracy(
    bank: Tensor,
    bank_labels: Tensor,
    queries: Tensor,
    *,
    query_labels: Tensor,
    classes: int,
    k: int = 200,
    temperature: float = TEMPERATURE,
    chunk: int = 512,
) -> float:
    """Return the share of queries (Q, d) whose neighbours (see `knn_votes`) vote for their class."""
    votes = knn_votes(bank, bank_labels, queries, classes=classes, k=k, temperature=temperature, chunk=chunk)
    return int((votes.argmax(dim=1) == query_labels).sum()) / len(queries)


@torch.no_grad()
def knn_votes(
    bank: Tensor,
    bank_labels: Tensor,
    queries: Tensor,
    *,
    classes: int,
    k: int = 200,
    temperature: float = TEMPERATURE,
    chunk: int = 512,
) -> Tensor:
    """Return the votes (Q, classes), float64, of the k nearest of the bank (M, d), by cosine, of queries (Q, d).

    A neighbour's vote weighs exp(similarity / temperature), with `EQUAL` exactly 1; k is at most M. Labels are
    int64 in [0, classes). Runs where the features are, `chunk` queries at a time.
    """
    keys = F.normalize(bank.float(), dim=1).T
    votes = torch.zeros(len(queries), classes, dtype=torch.float64, device=bank.device)
    for part, features in zip(torch.split(votes, chunk), torch.split(queries, chunk), strict=True):
        similarity, nearest = (F.normalize(features.float(), dim=1) @ keys).topk(min(k, len(bank)), dim=1)
        # In float64 the order in which a device adds the votes does not decide the winner.
        part.scatter_add_(1, bank_labels[nearest], torch.exp(similarity.double() / temperature))
    return votes


@torch.no_grad()
def extract_features(
    encoder: nn.Module,
    images: Tensor | Images,
    recipe: Recipe,
    *,
    device: torch.device,
    autocast: torch.dtype | None = None,
    batch: int = 512,
) -> Tensor:
    """Return h (N, dim), float32 on `device`, of images (N, C, H, W), uint8 or uint16, without augmentation.

    The encoder sees the middle `recipe.image_size` of images whose shorter side is resized to that over
    `recipe.eval_crop` (§B.6: 224 of 256). It runs in eval mode and comes back in the mode it was in, its parameters
    and buffers unchanged.
    """
    features = []
    with evaluating(encoder), torch.autocast(device.type, autocast, enabled=autocast is not None):
        for start in range(0, len(images), batch):
            part = torch.as_tensor(images[start : start + batch])
            views = _centre(to_device(part, device).float() / levels_of(part.dtype), recipe)
            features.append(encoder(views.contiguous(memory_format=torch.channels_last)).float())
    return torch.cat(features)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode for the length of a with block; each module then gets back its own mode."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _centre(images: Tensor, recipe: Recipe) -> Tensor:
    height, width = images.shape[-2:]
    size, resized = recipe.image_size, round(recipe.image_size / recipe.eval_crop)
    shorter = min(height, width)
    if shorter != resized:
        height, width = resized * height // shorter, resized * width // shorter
        images = F.interpolate(images, (height, width), mode="bicubic", antialias=True, align_corners=False)
        images = images.clamp(0.0, 1.0)
    top, left = round((height - size) / 2), round((width - size) / 2)
    return images[..., top : top + size, left : left + size]
