"""The projection head g(·): an MLP with one hidden layer; z = g(h) is what the loss sees (§2.1, §4.2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class ScaleOnlyBatchNorm1d(nn.BatchNorm1d):
    """Batch norm with a learned scale and no learned shift."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.register_parameter("bias", None)

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        nn.init.ones_(self.weight)


class ProjectionHead(nn.Module):
    """Linear, ReLU, linear: (n, dim) → (n, out). `hidden` 0 stands for `dim`.

    With `batch_norm`, as published: batch norm after each linear layer, the last without a learned shift, and
    linear layers without biases, which batch norm would take away. Without it: plain linear layers.
    """

    def __init__(self, dim: int, hidden: int, out: int, batch_norm: bool) -> None:
        super().__init__()
        hidden = hidden or dim
        self.linear1 = nn.Linear(dim, hidden, bias=not batch_norm)
        self.bn1 = nn.BatchNorm1d(hidden) if batch_norm else nn.Identity()
        self.linear2 = nn.Linear(hidden, out, bias=not batch_norm)
        self.bn2 = ScaleOnlyBatchNorm1d(out) if batch_norm else nn.Identity()

    def forward(self, h: Tensor) -> Tensor:
        hidden = F.relu(self.bn1(self.linear1(h)))
        z: Tensor = self.bn2(self.linear2(hidden))
        return z
