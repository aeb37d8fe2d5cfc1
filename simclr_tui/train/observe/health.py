"""Measure whether the representation is healthy: metrics of h and z beside the loss, and when they have collapsed.

Measured in eval mode on both views of a fixed sample of training images, drawn the same at every evaluation, so that
a curve shows the encoder and not the draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

COLLAPSED_RANK = 2.0
"""An effective rank of h or z below this is a line or a point."""
COLLAPSED_SPREAD = 0.05
"""Root mean square distance of normalised z from their mean below which all views are one; 1 is the most."""
STUCK_LOSS = 0.005
"""Share of the log of the candidates (2N − 1) within which a loss is chance."""
STUCK_SEPARATION = 0.01
"""Mean similarity of positives over negatives below which they are not told apart."""


@dataclass(frozen=True)
class Health:
    """`alignment` and `uniformity` of normalised z (Wang & Isola 2020), effective ranks of h and z, `spread` of z."""

    alignment: float
    uniformity: float
    rank_h: float
    rank_z: float
    spread: float

    @property
    def collapsed(self) -> bool:
        return min(self.rank_h, self.rank_z) < COLLAPSED_RANK or self.spread < COLLAPSED_SPREAD

    def metrics(self) -> dict[str, float]:
        """Return the values under their names in the metric log."""
        return {name: getattr(self, name) for name in ("alignment", "uniformity", "rank_h", "rank_z")}


@torch.no_grad()
def measure_health(h: Tensor, z_a: Tensor, z_b: Tensor) -> Health:
    """Measure h (2N, dim) and the projections z_a and z_b (N, d), where row i of both is one image."""
    a, b = F.normalize(z_a.double(), dim=1), F.normalize(z_b.double(), dim=1)
    both = torch.cat((a, b))
    return Health(
        alignment=float((a - b).square().sum(dim=1).mean()),
        uniformity=_uniformity(a),
        rank_h=effective_rank(h),
        rank_z=effective_rank(torch.cat((z_a, z_b))),
        spread=float((both - both.mean(dim=0)).square().sum(dim=1).mean().sqrt()),
    )


def _uniformity(z: Tensor) -> float:
    """Return log of the mean over pairs i ≠ j of exp(−2‖z_i − z_j‖²) of normalised z (N, d); 0 for a single point."""
    pairs = torch.pdist(z).square().mul(-2.0)
    return float(pairs.logsumexp(dim=0)) - math.log(len(pairs)) if len(pairs) else 0.0


@torch.no_grad()
def effective_rank(features: Tensor) -> float:
    """Return exp of the entropy of the normalised singular values (Roy & Vetterli 2007) of centred features (N, d).

    It lies between 1 and min(N, d), and is 1 where all features are equal. Features are centred because pooled
    activations share a mean that would hide the rest.
    """
    wide = features.double()
    centred = wide - wide.mean(dim=0)
    gram = centred.T @ centred if centred.shape[1] <= len(centred) else centred @ centred.T
    if not torch.isfinite(gram).all() or centred.abs().max() <= 1e-9 * wide.abs().max():
        return 1.0
    values = torch.linalg.eigvalsh(gram).clamp_min(0.0).sqrt()
    return float(torch.special.entr(values / values.sum()).sum().exp())


def stuck_at_chance(losses: Sequence[float], separations: Sequence[float], candidates: int) -> bool:
    """Return whether every step is at chance: loss at the log of the candidates, positives like negatives."""
    chance = math.log(candidates)
    return all(abs(loss - chance) < STUCK_LOSS * chance for loss in losses) and all(
        separation < STUCK_SEPARATION for separation in separations
    )
