"""Train linear probes to their last epoch; choose among them on held-out training images, then train on all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simclr_tui.evaluate.context import Features, Outcome
from simclr_tui.evaluate.protocols.probes import Candidate, Probes, candidates
from simclr_tui.evaluate.splits import Ids, batches, batches_of, hold_out
from simclr_tui.train.optim.schedule import learning_rate

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
"""h (B, dim) of the training images of those ids, as seen in that epoch."""


@dataclass(frozen=True)
class Probing:
    """How probes are trained. `tick(what, done, total)` is told every epoch."""

    features_of: FeaturesOf
    features: Features
    classes: int
    epochs: int
    seed: int
    tick: Callable[[str, int, int], None]

    def train(self, swept: list[Candidate], samples: Ids, what: str) -> Probes:
        """Train on the images `samples`: cosine without warm-up, rates times batch / 256; the last epoch's probes."""
        h, labels = self.features.train, self.features.train_labels
        probes = Probes(swept, self.classes, h.shape[1], h.device)
        steps = batches_of(len(samples), BATCH) * self.epochs
        peak, step = len(samples) * self.epochs / steps / 256, 0
        for epoch in range(self.epochs):
            for ids in batches(samples, self.seed, epoch, BATCH):
                rate = learning_rate(step, steps, 0, peak)
                probes.step(self.features_of(epoch, ids), labels[torch.from_numpy(ids).to(h.device)], rate)
                step += 1
            self.tick(what, epoch + 1, self.epochs)
        return probes


def choose_and_train(probing: Probing) -> Outcome:
    """Sweep on nine tenths of the training images, choose on the other tenth, train the chosen pair on all of them.

    The test images are looked at once, by the chosen probe after its last epoch.
    """
    features = probing.features
    swept = candidates(RATES, DECAYS)
    fit, held = hold_out(features.train_labels.cpu().numpy(), probing.seed)
    trial = probing.train(swept, fit, "sweep")
    there = torch.from_numpy(held).to(features.train.device)
    accuracies = trial.accuracies(features.train[there], features.train_labels[there])
    best = int(accuracies.argmax())
    final = probing.train([swept[best]], np.arange(len(features.train)), "training")
    rate, decay = swept[best]
    return Outcome(
        scores=final.logits(features.test)[:, 0],
        hyperparameters={
            "optimizer": "SGD, Nesterov momentum 0.9, cosine, no warm-up, from zero",
            "epochs": probing.epochs,
            "batch_size": BATCH,
            "rates": list(RATES),
            "decays": list(DECAYS),
        },
        chosen={"lr": rate, "weight_decay": decay},
        validation=float(accuracies[best]),
    )
