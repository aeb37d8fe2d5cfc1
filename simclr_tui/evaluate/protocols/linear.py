"""The linear probe on features computed once, without augmentation (§2.3, §B.6)."""

from __future__ import annotations

import torch
from torch import Tensor

from simclr_tui.evaluate.context import Outcome, Task
from simclr_tui.evaluate.protocols.probe_search import EPOCHS, Probing, choose_and_train
from simclr_tui.evaluate.splits import Ids


def linear(task: Task, seed: int) -> Outcome:
    """A softmax regression on h, by SGD."""
    features = task.features

    def features_of(_epoch: int, samples: Ids) -> Tensor:
        return features.train[torch.from_numpy(samples).to(features.train.device)]

    epochs = task.settings.epochs or EPOCHS
    return choose_and_train(Probing(features_of, features, len(task.classes), epochs, seed, task.progress))
