"""Batch norm over all processes, here beside a twin with the same images; `test_distributed.py` has real processes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from simclr_tui.train.model.head import ScaleOnlyBatchNorm1d
from simclr_tui.train.model.sync_batchnorm import SyncBatchNorm

TWINS = SimpleNamespace(size=2, all_gather=lambda tensor: torch.stack((tensor, tensor)), all_reduce_mean=lambda _: None)


def passed(norm, x, upstream):
    x = x.clone().requires_grad_()
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
        y = norm(x)
    y.backward(upstream)
    return [y.detach(), x.grad, *(parameter.grad for parameter in norm.parameters())], saved


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (nn.BatchNorm2d(3), (4, 3, 5, 5)),
        (nn.BatchNorm1d(3), (8, 3)),
        (nn.BatchNorm2d(3, affine=False), (4, 3, 5, 5)),
        (ScaleOnlyBatchNorm1d(3), (8, 3)),
    ],
    ids=["2d", "1d", "without weights", "scale only"],
)
def test_it_gives_what_one_process_with_all_images_does_and_keeps_its_input_alone(norm, shape):
    norm = norm.double()
    for parameter in norm.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    x, upstream = torch.randn(2, *shape, dtype=torch.float64)
    found, saved = passed(SyncBatchNorm(norm, TWINS), x, upstream)
    for parameter in norm.parameters():
        parameter.grad = None
    expected, _ = passed(norm, x, upstream)
    torch.testing.assert_close(found, expected)
    assert sum(saved) <= x.numel() + 3 * shape[1]
