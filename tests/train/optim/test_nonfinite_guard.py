from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from simclr_tui.errors import DivergedError
from simclr_tui.train.optim.nonfinite_guard import NonfiniteGuard


def test_the_layers_that_were_not_finite_are_named_though_their_gradients_are_gone():
    """The host reads a step's verdict some steps later."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    guard = NonfiniteGuard([("encoder", model)], torch.device("cpu"))
    for spoilt in (False, True, False):
        model(torch.ones(1, 3)).sum().backward()
        if spoilt:
            model[1].weight.grad[0, 0] = math.nan
        guard.update(torch.tensor(1.0))
        model.zero_grad()
    with pytest.raises(DivergedError, match=r"gradient is not finite at step 2 .*; not finite in encoder.1.weight\)"):
        guard.check(2, 1.0, math.nan, lr=0.1, last=[1.0])
