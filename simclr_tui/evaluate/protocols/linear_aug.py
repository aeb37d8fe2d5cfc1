"""Linear probe as the paper trains it: on h of a new crop and flip of every image in every epoch (§B.6)."""

from __future__ import annotations

import torch
from torch import Tensor

from simclr_tui.evaluate.augment import crop_and_flip
from simclr_tui.evaluate.context import Context, Outcome
from simclr_tui.evaluate.protocols.probe_search import EPOCHS, ProbeTraining, search_and_train
from simclr_tui.evaluate.splits import Ids
from simclr_tui.train.data.batches import Source


def linear_aug(context: Context, seed: int) -> Outcome:
    """Train a softmax regression on h of augmented images. All candidates share each pass through the encoder."""
    compute = context.compute
    source = Source(context.train.images, compute.device)

    @torch.no_grad()
    def features_of(epoch: int, samples: Ids) -> Tensor:
        images, shapes = source.batch(samples), source.shapes(samples)
        views = crop_and_flip(images, context.recipe, samples, seed=seed, epoch=epoch, shapes=shapes)
        with torch.autocast(compute.device.type, compute.autocast, enabled=compute.autocast is not None):
            h: Tensor = context.encoder(views)
        return h.float()

    epochs = context.settings.epochs or EPOCHS
    outcome = search_and_train(
        ProbeTraining(
            features_of=features_of,
            features=context.features,
            classes=len(context.classes),
            epochs=epochs,
            seed=seed,
            progress=context.progress,
            groups=context.train.groups,
        )
    )
    augmentation = f"crop of area ≥ {context.recipe.crop_min:g}, flip with p {context.recipe.flip:g}"
    return Outcome(
        outcome.scores,
        {**outcome.hyperparameters, "augmentation": augmentation},
        outcome.chosen,
        outcome.validation,
    )
