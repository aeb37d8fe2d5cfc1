from __future__ import annotations

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.device import Compute
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head
from simclr_tui.train.model.projection import projection

NARROW = Recipe(width=0.25, head_dim=16)
BF16 = Compute(torch.device("cpu"), torch.bfloat16)
FP32 = Compute(torch.device("cpu"), None)


def parts():
    torch.manual_seed(0)
    encoder = build_encoder(NARROW)
    return encoder, build_head(NARROW, encoder.dim)


def gradients(project, encoder, head, side):
    views = torch.rand(8, 3, side, side, generator=torch.Generator().manual_seed(side))
    z = project(views)
    z.square().sum().backward()
    grads = [parameter.grad.clone() for part in (encoder, head) for parameter in part.parameters()]
    for part in (encoder, head):
        part.zero_grad()
    return z.detach(), grads


@pytest.mark.parametrize("compute", [FP32, BF16], ids=["fp32", "bf16"])
def test_traced_by_the_compiler_it_gives_the_same_z_and_gradients_for_views_of_any_side(compute):
    # aot_eager captures forward and backward as inductor does and runs them as they are: no C++ compiler, no minutes.
    encoder, head = parts()
    plain = projection(encoder, head, compute)
    compiled = projection(encoder, head, compute, compiled=True, backend="aot_eager")
    for side in (16, 24):
        z, grads = gradients(plain, encoder, head, side)
        z_compiled, grads_compiled = gradients(compiled, encoder, head, side)
        assert z.dtype == z_compiled.dtype == torch.float32
        torch.testing.assert_close(z_compiled, z)
        torch.testing.assert_close(grads_compiled, grads)


def test_compiled_it_moves_the_running_statistics_of_the_encoder_that_is_saved():
    encoder, head = parts()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    projection(encoder, head, FP32, compiled=True, backend="aot_eager")(torch.rand(8, 3, 16, 16))
    after = encoder.state_dict()
    assert before.keys() == after.keys()
    assert all((before[name] != after[name]).any() for name in before if name.endswith("running_mean"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_on_a_gpu_compiled_steps_are_those_of_the_plain_ones(monkeypatch):
    compute = Compute(torch.device("cuda"), None)
    encoder, head = (part.cuda() for part in parts())
    plain, compiled = projection(encoder, head, compute), projection(encoder, head, compute, compiled=True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # of which each would round its own way
    for side in (16, 24, 32):
        one = gradients(lambda views: plain(views.cuda()), encoder, head, side)
        other = gradients(lambda views: compiled(views.cuda()), encoder, head, side)
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-3)


def test_an_encoder_of_a_library_is_compiled_whole():
    recipe = Recipe(encoder="mobilenet_v3_small", head_dim=16, image_size=32)
    torch._dynamo.reset()
    encoder = build_encoder(recipe)
    head = build_head(recipe, encoder.dim)
    counter = CompileCounter()
    projection(encoder, head, FP32, compiled=True, backend=counter)(torch.rand(4, 3, 32, 32))
    assert counter.frame_count == 1
