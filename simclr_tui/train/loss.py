"""NT-Xent, the paper's equation 1, and the contrastive accuracy that comes out of the same similarities."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def nt_xent(z_a: Tensor, z_b: Tensor, temperature: float) -> Tensor:
    """Return NT-Xent, the mean over all 2N views, of two batches of projections (N, d); row i of both is one image.

    −log( exp(sim(i, j)/τ) / Σ_{k≠i} exp(sim(i, k)/τ) ), sim the cosine, j the other view of i's image. Computed
    in float32 (float64 for float64 input) whatever the input and autocast; memory grows with (2N)². N = 1 gives 0.
    """
    return F.cross_entropy(*_logits_and_pairs(z_a, z_b, temperature))


def contrastive_top1(z_a: Tensor, z_b: Tensor) -> Tensor:
    """Return the fraction of the 2N views whose most similar other view is their own image's."""
    return _top1(*_logits_and_pairs(z_a.detach(), z_b.detach(), 1.0))


def nt_xent_and_top1(z_a: Tensor, z_b: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Return `nt_xent` and `contrastive_top1` from one matrix of similarities."""
    logits, pairs = _logits_and_pairs(z_a, z_b, temperature)
    return F.cross_entropy(logits, pairs), _top1(logits.detach(), pairs)


def _logits_and_pairs(z_a: Tensor, z_b: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Return sim/τ (2N, 2N) with −∞ for a view and itself, and each view's other view (2N,)."""
    with torch.autocast(z_a.device.type, enabled=False):
        z = torch.cat((z_a, z_b))
        z = F.normalize(z if z.dtype == torch.float64 else z.float(), dim=1)
        logits = ((z / temperature) @ z.T).fill_diagonal_(-torch.inf)
    n = len(z_a)
    return logits, torch.arange(2 * n, device=z.device).roll(n)


def _top1(logits: Tensor, pairs: Tensor) -> Tensor:
    return (logits.argmax(dim=1) == pairs).float().mean()
