"""The linear probe as the paper trains it: h of a new crop and flip of every image in every epoch (§B.6)."""

from __future__ import annotations

import torch
from torch import Tensor

from simclr_tui.evaluate.augment import crop_and_flip
from simclr_tui.evaluate.context import Outcome, Task
from simclr_tui.evaluate.protocols.probe_search import EPOCHS, Probing, choose_and_train
from simclr_tui.evaluate.splits import Ids
from simclr_tui.train.data.batches import Source


def linear_aug(task: Task, seed: int) -> Outcome:
    """A softmax regression on h of augmented images. The whole sweep shares each pass through the encoder."""
    compute = task.compute
    source = Source(task.train.images, compute.device)

    @torch.no_grad()
    def features_of(epoch: int, samples: Ids) -> Tensor:
        views = crop_and_flip(source.batch(samples), task.recipe, seed, epoch, samples)
        with torch.autocast(compute.device.type, compute.autocast, enabled=compute.autocast is not None):
            h: Tensor = task.encoder(views)
        return h.float()

    epochs = task.settings.epochs or EPOCHS
    outcome = choose_and_train(Probing(features_of, task.features, len(task.classes), epochs, seed, task.progress))
    augmentation = f"crop of area ≥ {task.recipe.crop_min:g}, flip with p {task.recipe.flip:g}"
    return Outcome(
        outcome.scores,
        {**outcome.hyperparameters, "augmentation": augmentation},
        outcome.chosen,
        outcome.validation,
    )
