"""The paper's contrastive objectives (§5.1, tables 2 and 4), and metrics of the same similarities."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from simclr_tui.recipe.recipe import Recipe

LOSS_METRICS = ("contrastive_top1", "contrastive_top5", "positive_similarity", "negative_similarity")
"""What an `Objective` measures beside its loss, in the order in which it returns them."""


@dataclass(frozen=True)
class GlobalProjections:
    """Hold the projections of all processes, in global order.

    z_a and z_b are (N, d); `first` is the row of this process's first image.
    """

    z_a: Tensor
    z_b: Tensor
    first: int


@dataclass(frozen=True)
class Objective:
    """Compute one of the losses that §5.1 compares.

    With s the cosine, or the dot product without `l2`, j the other view of anchor i's image and k the 2N − 2
    views of other images (the negatives), an anchor's loss is

    - nt-xent: −log( exp(s_ij/τ) / (exp(s_ij/τ) + Σ_k exp(s_ik/τ)) )
    - dcl (Yeh et al. 2022): −s_ij/τ + log Σ_k exp(s_ik/τ)
    - nt-logistic: −log σ(s_ij/τ) − mean_k log σ(−s_ik/τ)
    - margin: mean_k max(s_ik − s_ij + m, 0)

    Table 2 writes the last two for a single negative; the mean over k keeps both terms of one size. With
    `semi_hard` (Schroff et al. 2015; the last two only) k is just the most similar of the negatives with
    s_ik < s_ij, for margin also s_ik > s_ij − m; an anchor without one has no such term. One image alone
    (N = 1) has no negatives, and the loss keeps what it says of the positive: 0 for nt-xent and margin,
    −s_ij/τ for dcl, −log σ(s_ij/τ) for nt-logistic.

    With `one_view` (§B.10) the negatives are the N − 1 views of other images on the partner's side alone, and the
    partner is ranked among N candidates, as Google's code ranks it.
    """

    kind: str
    temperature: float
    l2: bool
    margin: float
    semi_hard: bool
    one_view: bool = False

    @classmethod
    def of(cls, recipe: Recipe) -> Objective:
        """Return the objective that a checked recipe names."""
        one_view = recipe.negatives == "one"
        return cls(recipe.objective, recipe.temperature, recipe.l2, recipe.margin, recipe.semi_hard, one_view)

    def __call__(self, z_a: Tensor, z_b: Tensor, gathered: GlobalProjections | None = None) -> tuple[Tensor, Tensor]:
        """Return the loss and the detached `LOSS_METRICS` (4,) of projections (n, d); row i of both is one image.

        Both are means over these 2n views as anchors, each against all 2N views of `gathered` (of these, when
        None), so the mean of all processes' losses is the global batch's. Anchors are the arguments and what
        they meet is `gathered`: through a gather whose backward sums over processes, the mean of their
        gradients is the global one. Computed in float32 (float64 for float64 input) whatever the input and
        autocast, in a few (2n, 2N) matrices.
        """
        with torch.autocast(z_a.device.type, enabled=False):
            anchors = views = self._comparable(z_a, z_b)
            first = 0
            if gathered is not None:
                views, first = self._comparable(gathered.z_a, gathered.z_b), gathered.first
            own, pairs = _columns(len(z_a), len(views) // 2, first, z_a.device)
            temperature = 1.0 if self.kind == "margin" else self.temperature
            logits = _hide(anchors / temperature @ views.T, own)
            if self.one_view:
                _hide_own_view(logits)
            # The metrics first: the loss may hide the positives too.
            metrics = self._metrics(logits, pairs, anchors, views)
            return self._loss(logits, pairs), metrics

    def _comparable(self, z_a: Tensor, z_b: Tensor) -> Tensor:
        """Return both views' projections (2n, d), such that s is their dot product."""
        z = torch.cat((z_a, z_b))
        z = z if z.dtype == torch.float64 else z.float()
        return F.normalize(z, dim=1) if self.l2 else z

    def _loss(self, logits: Tensor, pairs: Tensor) -> Tensor:
        if self.kind == "nt-xent":
            return F.cross_entropy(logits, pairs)
        positives = logits[torch.arange(len(pairs), device=pairs.device), pairs][:, None]
        negatives = _hide(logits, pairs)
        count = logits.shape[1] // 2 - 1 if self.one_view else logits.shape[1] - 2
        if self.kind == "dcl":
            return ((negatives.logsumexp(dim=1, keepdim=True) if count else 0.0) - positives).mean()
        if self.semi_hard:
            negatives, count = _hardest_below(negatives, positives), 1
        if self.kind == "margin":
            return F.relu(negatives - (positives - self.margin)).sum(dim=1).mean() / max(count, 1)
        return _softplus(-positives).mean() + _softplus(negatives).sum(dim=1).mean() / max(count, 1)

    @torch.no_grad()
    def _metrics(self, logits: Tensor, pairs: Tensor, anchors: Tensor, views: Tensor) -> Tensor:
        """Return the `LOSS_METRICS`, from logits (2n, 2N) without the anchors.

        A positive that ties with t others counts as the share of orders that place it among the first k: constant
        embeddings reach chance, not 1. One that is NaN ties with nothing, not even itself, and makes the shares NaN.
        """
        # Into the logits' dtype: summing a matrix of bools would first copy it to one of int64.
        closeness = logits.gather(1, pairs[:, None])
        matrix = torch.empty_like(logits)
        nearer = torch.gt(logits, closeness, out=matrix).sum(dim=1)
        equal = torch.eq(logits, closeness, out=matrix).sum(dim=1)  # the positive itself is one of them
        if not self.l2:
            anchors, views = F.normalize(anchors, dim=1), F.normalize(views, dim=1)
        positive = (anchors * views[pairs]).sum(dim=1)
        # The sum over all views less the anchor's own and its positive, without a second (2n, 2N) matrix.
        negative = anchors @ views.sum(dim=0) - anchors.square().sum(dim=1) - positive
        similarities = (positive.mean(), negative.mean() / max(len(views) - 2, 1))
        hits = (torch.where(equal > 0, (k - nearer) / equal, torch.nan).clamp(0.0, 1.0).mean() for k in (1, 5))
        return torch.stack([*hits, *similarities])


def nt_xent(z_a: Tensor, z_b: Tensor, temperature: float) -> Tensor:
    """Return NT-Xent (equation 1), the mean over the 2N views of z_a and z_b (N, d); row i is one image.

    Computed as `Objective` does; N = 1 gives 0.
    """
    return _nt_xent(temperature)(z_a, z_b)[0]


def contrastive_top1(z_a: Tensor, z_b: Tensor) -> Tensor:
    """Return the fraction of the 2N views whose most similar one is their image's other; a tie counts its share."""
    return _nt_xent(1.0)(z_a.detach(), z_b.detach())[1][0]


def _nt_xent(temperature: float) -> Objective:
    return Objective("nt-xent", temperature, l2=True, margin=0.0, semi_hard=False)


def _columns(n: int, images: int, first: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return where each of 2n anchors finds itself, and its image's other view, among 2·images views."""
    own = torch.arange(first, first + n, device=device)
    own = torch.cat((own, own + images))
    return own, own.roll(n)


@torch.no_grad()
def _hide(logits: Tensor, columns: Tensor) -> Tensor:
    """Set one column of each row to −∞ in place, and return the logits.

    Autograd need not know: every loss here is flat at −∞, and knowing would cost it a copy of the matrix.
    """
    return logits.scatter_(1, columns[:, None], -torch.inf)


@torch.no_grad()
def _hide_own_view(logits: Tensor) -> None:
    """Set the columns of each anchor's own view to −∞ in place, as `_hide` does; (2n, 2N)."""
    anchors, images = len(logits) // 2, logits.shape[1] // 2
    logits[:anchors, :images] = -torch.inf
    logits[anchors:, images:] = -torch.inf


def _hardest_below(negatives: Tensor, positives: Tensor) -> Tensor:
    """Return each row's largest negative that is smaller than its positive (2n, 1), −∞ where there is none.

    The margin needs no check: where the largest lies outside it all do, and the margin loss of it is 0.
    """
    return negatives.masked_fill(negatives >= positives, -torch.inf).max(dim=1, keepdim=True).values


def _softplus(x: Tensor) -> Tensor:
    """Return −log σ(−x); linear only from where float64 cannot tell the difference."""
    return F.softplus(x, threshold=40.0)
