"""The projection head g(·), z = g(h) (§2.1): none, linear, or an MLP (§4.2)."""

from __future__ import annotations

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from simclr_tui.recipe.cost import head_widths
from simclr_tui.recipe.recipe import Recipe


class ScaleOnlyBatchNorm1d(nn.BatchNorm1d):
    """Apply batch norm with a learned scale and no learned shift."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.register_parameter("bias", None)

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        nn.init.ones_(self.weight)


class ProjectionHead(nn.Module):
    """Project h (n, dim) to z (n, z_dim) by one, two (`mlp`) or three linear layers with ReLU between; `none` is z = h.

    `hidden` 0 means `dim`. With `batch_norm`, as published: batch norm after each linear layer, the last without a
    learned shift, and linear layers without biases, which batch norm would cancel. Without it: plain linear layers.
    The layers are named linear1, bn1, linear2, bn2, …
    """

    def __init__(self, dim: int, hidden: int, out: int, *, batch_norm: bool, kind: str = "mlp") -> None:
        super().__init__()
        widths = head_widths(kind, dim, hidden, out=out)
        self.z_dim = widths[-1]
        self.depth = len(widths) - 1
        for layer, (inputs, outputs) in enumerate(itertools.pairwise(widths), start=1):
            self.add_module(f"linear{layer}", nn.Linear(inputs, outputs, bias=not batch_norm))
            norm = ScaleOnlyBatchNorm1d if layer == self.depth else nn.BatchNorm1d
            self.add_module(f"bn{layer}", norm(outputs) if batch_norm else nn.Identity())

    def forward(self, h: Tensor) -> Tensor:
        z = h
        for layer in range(1, self.depth + 1):
            z = self.get_submodule(f"bn{layer}")(self.get_submodule(f"linear{layer}")(z))
            z = F.relu(z) if layer < self.depth else z
        return z


def build_head(recipe: Recipe, dim: int) -> ProjectionHead:
    """Return the recipe's head for an h of `dim`, freshly initialised from torch's global generator."""
    return ProjectionHead(dim, recipe.head_hidden, recipe.head_dim, batch_norm=recipe.head_bn, kind=recipe.head)
