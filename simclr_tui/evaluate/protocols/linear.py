"""Linear probe on features computed once, without augmentation (§2.3, §B.6)."""

from __future__ import annotations

import torch
from torch import Tensor

from simclr_tui.evaluate.context import Context, Outcome
from simclr_tui.evaluate.protocols.probe_search import EPOCHS, ProbeTraining, search_and_train
from simclr_tui.evaluate.splits import Ids
from simclr_tui.train.device import to_device


def linear(context: Context, seed: int) -> Outcome:
    """Train a softmax regression on h by SGD."""
    features = context.features

    def features_of(_epoch: int, samples: Ids) -> Tensor:
        return features.train[to_device(torch.from_numpy(samples), features.train.device)]

    epochs = context.settings.epochs or EPOCHS
    return search_and_train(
        ProbeTraining(
            features_of=features_of,
            features=features,
            classes=len(context.classes),
            epochs=epochs,
            seed=seed,
            progress=context.progress,
            groups=context.train.groups,
        )
    )
