"""TF32 rounds to 10 bits where a GPU multiplies float32. It may round convolutions of the encoder, and nothing else.

What is computed in float32 beside the network (losses, kNN, probes, views) has no convolution, and its matrix products
find full precision asked for, whatever the environment asked for. On a GPU the values themselves are compared.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import simclr_tui
from simclr_tui.evaluate.protocols.probes import Probes, candidates
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.device import _keep_tf32_to_convolutions, choose_compute
from simclr_tui.train.loss import Objective
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.observe.knn import knn_votes
from simclr_tui.train.views.apply import render
from simclr_tui.train.views.device_params import device_params
from simclr_tui.train.views.params import draw_views
from tests.train.views.reference_views import some_images

PRODUCTS = ("mm", "bmm", "addmm", "baddbmm", "mv", "addmv", "linear", "matmul")
EVERY_OBJECTIVE = ("nt-xent", "dcl", "nt-logistic", "margin")


@pytest.fixture
def asked_for_tf32() -> Iterator[None]:
    """Begin where an environment or a library asked for TF32 everywhere, as NVIDIA's containers do."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high")
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


class Products(TorchDispatchMode):
    """Record convolutions, and for each product of float32 matrices the precision that was asked for at that time."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions: list[str] = []
        self.precisions: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if "conv" in name:
            self.convolutions.append(name)
        if name in PRODUCTS and any(isinstance(one, Tensor) and one.dtype == torch.float32 for one in args):
            self.precisions.append(torch.get_float32_matmul_precision())
        return func(*args, **(kwargs or {}))


def random(*shape: int, device: str, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    values = torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))
    return values.to(device=device, dtype=dtype)


def losses(device: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the gradients of every objective, (4, 96, 32)."""
    found = []
    for kind in EVERY_OBJECTIVE:
        z = random(96, 32, device=device, dtype=dtype).requires_grad_()
        loss, _ = Objective.of(Recipe(objective=kind))(*z.chunk(2))
        loss.backward()
        assert z.grad is not None
        found.append(z.grad)
    return torch.stack(found)


def votes(device: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return kNN's votes, by all of the bank so that no rounding changes who votes."""
    labels = torch.arange(200, device=device) % 5
    bank, queries = random(200, 32, device=device, dtype=dtype), random(40, 32, device=device, dtype=dtype, seed=1)
    return knn_votes(bank, labels, queries, classes=5, k=200)


def probe(device: str, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the weights of linear probes after a few steps."""
    probes = Probes(candidates((0.1, 1.0), (0.0, 1e-4)), classes=5, dim=32, device=torch.device(device))
    for name, value in list(vars(probes).items()):
        setattr(probes, name, value.to(dtype))
    for step in range(4):
        probes.step(random(64, 32, device=device, dtype=dtype, seed=step), torch.arange(64, device=device) % 5, 1.0)
    return probes.weight


def views(device: str, augment: str = "crop,flip,blur,sobel,rotate") -> Tensor:
    """Return views made by matrices, as on a GPU, of operations that resample or blur."""
    recipe = Recipe(augment=augment, blur=1.0, sobel=0.5, rotate=1.0, image_size=24)
    params = draw_views(recipe, 0, np.arange(8), 32)
    placed = device_params(params, torch.device(device))
    images = some_images(8, 32).to(device)
    return render(images, placed.table, placed.noise_seed, 24, params.operations, masked=True)


BESIDE_THE_NETWORK = [losses, votes, probe, views]


@pytest.mark.parametrize("compute", BESIDE_THE_NETWORK)
def test_nothing_beside_the_network_can_be_rounded_to_tf32(asked_for_tf32, compute: Callable[[str], Tensor]):
    _keep_tf32_to_convolutions()  # as choose_compute does for a GPU, see test_device.py
    with Products() as seen:
        compute("cpu")
    assert seen.convolutions == []
    assert set(seen.precisions) == {"highest"}


def test_a_convolution_and_a_product_would_be_seen(asked_for_tf32):
    """Else the test above could not fail."""
    with Products() as seen:
        build_encoder(Recipe(width=0.125))(torch.rand(2, 3, 16, 16))
        losses("cpu")
    assert seen.convolutions
    assert set(seen.precisions) == {"high"}


def test_one_function_alone_says_what_may_be_rounded():
    """No other file sets a precision of torch's, which is one for the whole process."""
    setting = {"allow_tf32", "set_float32_matmul_precision", "fp32_precision", "float32_matmul_precision"}
    root = Path(simclr_tui.__file__).parent
    found = {
        file.relative_to(root).as_posix()
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in setting
    }
    assert found == {"train/device.py"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("compute", BESIDE_THE_NETWORK)
def test_on_a_gpu_the_values_have_float32s_precision(asked_for_tf32, compute):
    """TF32 would be off by about 1e-3 of a value."""
    choose_compute(Recipe(device="cuda"))
    exact = compute("cpu") if compute is views else compute("cpu", torch.float64)
    found = compute("cuda").cpu().double()
    scale = float(exact.abs().max())
    assert float((found - exact.double()).abs().max()) < 3e-5 * scale
