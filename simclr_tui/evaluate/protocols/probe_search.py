"""Search linear probes on held-out training images, then train the chosen one on all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simclr_tui.evaluate.context import Features, Outcome
from simclr_tui.evaluate.protocols.probes import Candidate, Probes, candidates
from simclr_tui.evaluate.splits import Ids, batches, batches_of, hold_out
from simclr_tui.recipe.schedule import learning_rate
from simclr_tui.train.device import to_device

RATES = (
    0.01,
    0.03,
    0.1,
    0.3,
    1.0,
    3.0,
    10.0,
)  # the paper's is 0.1 (§B.6); h of narrow encoders is small and wants more
DECAYS = (0.0, 1e-4)
EPOCHS = 90  # §B.6
BATCH = 256  # at most; rates are times batch / 256

FeaturesOf = Callable[[int, Ids], Tensor]
"""A function from (epoch, ids) to h (B, dim) of those training images, as augmented in that epoch."""


@dataclass(frozen=True, kw_only=True)
class ProbeTraining:
    """Say how probes are trained. `progress(what, done, total)` is called after every epoch.

    `groups` are those of the training images, empty where they have none: the search never divides one.
    """

    features_of: FeaturesOf
    features: Features
    classes: int
    epochs: int
    seed: int
    progress: Callable[[str, int, int], None]
    groups: Sequence[str] = ()

    def train(self, swept: list[Candidate], samples: Ids, what: str) -> Probes:
        """Train on the images `samples` (cosine, no warm-up, rates times batch / 256) to the last epoch."""
        h, labels = self.features.train, self.features.train_labels
        probes = Probes(swept, classes=self.classes, dim=h.shape[1], device=h.device)
        steps = batches_of(len(samples), BATCH) * self.epochs
        peak, step = len(samples) * self.epochs / steps / 256, 0
        for epoch in range(self.epochs):
            for ids in batches(samples, BATCH, seed=self.seed, epoch=epoch):
                rate = learning_rate(step, steps, 0, peak)
                probes.step(self.features_of(epoch, ids), labels[to_device(torch.from_numpy(ids), h.device)], rate)
                step += 1
            self.progress(what, epoch + 1, self.epochs)
        return probes


def search_and_train(training: ProbeTraining) -> Outcome:
    """Search on nine tenths of the training images, choose on the other tenth, train the chosen pair on all of them.

    The test images are used once, by the chosen probe after its last epoch.
    """
    features = training.features
    swept = candidates(RATES, DECAYS)
    fit, held = hold_out(features.train_labels.cpu().numpy(), training.seed, training.groups)
    trial = training.train(swept, fit, "sweep")
    held_ids = to_device(torch.from_numpy(held), features.train.device)
    accuracies = trial.accuracies(features.train[held_ids], features.train_labels[held_ids])
    best = int(accuracies.argmax())
    final = training.train([swept[best]], np.arange(len(features.train)), "training")
    rate, decay = swept[best]
    return Outcome(
        scores=final.logits(features.test)[:, 0],
        hyperparameters={
            "optimizer": "SGD, Nesterov momentum 0.9, cosine, no warm-up, from zero",
            "epochs": training.epochs,
            "batch_size": BATCH,
            "rates": list(RATES),
            "decays": list(DECAYS),
        },
        chosen={"lr": rate, "weight_decay": decay},
        validation=float(accuracies[best]),
    )
