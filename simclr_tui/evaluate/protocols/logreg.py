"""Logistic regression on h by L-BFGS, without augmentation: the paper's transfer protocol (§B.8)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from simclr_tui.evaluate.context import Context, Outcome
from simclr_tui.evaluate.splits import hold_out
from simclr_tui.train.optim.eager import eager

L2 = tuple(float(f"{value:.4g}") for value in np.logspace(5, -6, 45))  # §B.8's 45 values, from strong to weak
_SWEEP_ITERATIONS = 100  # each starts from the solution of the stronger penalty before it
_ITERATIONS = 500


def logreg(context: Context, seed: int) -> Outcome:
    """Choose the penalty on a held-out tenth of the training images, then fit all of them."""
    features, classes = context.features, len(context.classes)
    parts = hold_out(context.train.labels, seed, context.train.groups)
    fit, held = (torch.from_numpy(ids).to(features.train.device) for ids in parts)
    labels, h = features.train_labels, features.train.double()
    trial = SoftmaxRegression(h[fit], labels[fit], classes)
    weight: Tensor | None = None
    accuracies = []
    for number, l2 in enumerate(L2, start=1):
        weight = trial.fit(l2, weight, _SWEEP_ITERATIONS)
        accuracies.append(float((predict(h[held], weight).argmax(dim=1) == labels[held]).double().mean()))
        context.progress("sweep", number, len(L2))
    best = int(np.argmax(accuracies))
    weight = SoftmaxRegression(h, labels, classes).fit(L2[best])
    return Outcome(
        scores=predict(features.test.double(), weight),
        hyperparameters={"optimizer": "L-BFGS, float64", "objective": "mean loss + l2/2·‖W‖²", "l2": list(L2)},
        chosen={"l2": L2[best]},
        validation=accuracies[best],
    )


def predict(h: Tensor, weight: Tensor) -> Tensor:
    """Return logits (N, C) from h (N, dim) and weight (C, dim + 1), whose last column is the bias."""
    return h @ weight[:, :-1].T + weight[:, -1]


class SoftmaxRegression:
    """Minimise mean cross-entropy + l2/2·‖W‖² over h (N, dim), float64, and labels; the bias is not penalised.

    scikit-learn's C is 1 / (N·l2). L-BFGS walks along the principal axes of h, each scaled by about the root of the
    curvature there, which takes far fewer steps to the same minimum than h as it is.
    """

    def __init__(self, h: Tensor, labels: Tensor, classes: int) -> None:
        self._labels, self._classes = labels, classes
        self._mean = h.mean(dim=0)
        centred = h - self._mean
        self._spread, self._axes = torch.linalg.eigh(centred.T @ centred / len(h))
        self._along = centred @ self._axes

    def fit(self, l2: float, start: Tensor | None = None, iterations: int = _ITERATIONS) -> Tensor:
        """Return the fitted weight (C, dim + 1), the bias last, starting from `start` or else from zero."""
        scale = (self._spread.clamp(min=0.0) / self._classes + l2).rsqrt()
        seen = self._along * scale
        begin = self._inwards(start, scale) if start is not None else seen.new_zeros(self._classes, len(scale) + 1)
        weight = begin.requires_grad_()
        optimizer = eager(torch.optim.LBFGS)(
            [weight],
            max_iter=iterations,
            max_eval=2 * iterations,
            tolerance_grad=1e-6,
            tolerance_change=1e-13,
            history_size=20,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            optimizer.zero_grad()
            penalty = 0.5 * l2 * (weight[:, :-1] * scale).square().sum()
            loss: Tensor = F.cross_entropy(predict(seen, weight), self._labels) + penalty
            loss.backward()
            return loss

        optimizer.step(closure)
        return self._outwards(weight.detach(), scale)

    def _outwards(self, weight: Tensor, scale: Tensor) -> Tensor:
        """Transform weights along the scaled axes to weights of h."""
        slopes = (weight[:, :-1] * scale) @ self._axes.T
        return torch.cat([slopes, (weight[:, -1] - slopes @ self._mean)[:, None]], dim=1)

    def _inwards(self, weight: Tensor, scale: Tensor) -> Tensor:
        slopes = weight[:, :-1]
        return torch.cat([slopes @ self._axes / scale, (weight[:, -1] + slopes @ self._mean)[:, None]], dim=1)
