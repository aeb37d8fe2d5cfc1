"""The encoder with the first layers of its projection head, from which SimCLRv2 fine-tunes (Chen et al. 2020, §2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.head import ProjectionHead


class HeadStart(nn.Module):
    """Map views (n, channels, T, T) to the output (n, dim) of the head's first `layers`, each with its ReLU.

    `layers` is at least 1 and less than the head's depth: the last layer's output is z, which has no ReLU.
    """

    def __init__(self, encoder: Encoder, head: ProjectionHead, layers: int) -> None:
        super().__init__()
        assert 1 <= layers < head.depth
        self.encoder = encoder
        self.linears = nn.ModuleList(head.get_submodule(f"linear{layer + 1}") for layer in range(layers))
        self.norms = nn.ModuleList(head.get_submodule(f"bn{layer + 1}") for layer in range(layers))
        self.dim = int(head.get_submodule(f"linear{layers}").get_parameter("weight").shape[0])

    def forward(self, views: Tensor) -> Tensor:
        out: Tensor = self.encoder(views)
        for linear, norm in zip(self.linears, self.norms, strict=True):
            out = torch.relu(norm(linear(out)))
        return out
