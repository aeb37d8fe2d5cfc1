from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import ProjectionHead
from simclr_tui.train.optim.optimizer import LARS, build_optimizer, parameter_groups

NAMES = ["lars", "sgd", "adam", "adamw"]


def _recipe(name: str, **fields: object) -> Recipe:
    return Recipe(optimizer=name, lr=0.05, lr_scaling="none", weight_decay=0.01, **fields)


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 9, 5, bias=False)
    ).to(memory_format=torch.channels_last)


def _set_gradients(model: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.grad = torch.empty_like(p).copy_(torch.randn(p.shape, generator=generator))


def _snapshot(model: nn.Module, optimizer: torch.optim.Optimizer) -> object:
    return copy.deepcopy((list(model.parameters()), optimizer.state_dict()["state"]))


def _set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr


def _lars_by_hand(w, v, g, lr, momentum, decay, adapt):
    """One step of the definition in Python floats, on flat lists."""
    g = [gi + decay * wi for gi, wi in zip(g, w, strict=True)]
    norm_w, norm_g = math.hypot(*w), math.hypot(*g)
    trust = 0.001 * norm_w / norm_g if adapt and norm_w > 0 and norm_g > 0 else 1.0
    v = [momentum * vi + lr * trust * gi for vi, gi in zip(v, g, strict=True)]
    return [wi - vi for wi, vi in zip(w, v, strict=True)], v


@pytest.mark.parametrize("with_found_inf", [False, True])
def test_lars_follows_the_definition_over_several_steps_and_rates(with_found_inf):
    model = _model().double()
    optimizer = LARS(parameter_groups([model], 0.01), lr=1.0, momentum=0.9)
    if with_found_inf:
        optimizer.found_inf = torch.zeros(())
    parameters = list(model.parameters())
    expected = [(p.detach().flatten().tolist(), [0.0] * p.numel()) for p in parameters]
    for step, lr in enumerate([0.0, 0.7, 2.5, 1.1]):
        _set_gradients(model, step)
        _set_lr(optimizer, lr)
        expected = [
            _lars_by_hand(w, v, p.grad.flatten().tolist(), lr, 0.9, 0.01 if p.ndim > 1 else 0.0, p.ndim > 1)
            for p, (w, v) in zip(parameters, expected, strict=True)
        ]
        optimizer.step()
    for p, (w, v) in zip(parameters, expected, strict=True):
        torch.testing.assert_close(p.detach().flatten(), torch.tensor(w, dtype=torch.float64))
        buffer = optimizer.state[p]["momentum_buffer"]
        torch.testing.assert_close(buffer.flatten(), torch.tensor(v, dtype=torch.float64))


def test_lars_moves_weights_and_gradients_that_are_zero_with_trust_one():
    zero_weight = nn.Parameter(torch.zeros(2, 2))
    zero_gradient = nn.Parameter(torch.ones(2, 2))
    optimizer = LARS([{"params": [zero_weight, zero_gradient]}], lr=0.5)
    zero_weight.grad, zero_gradient.grad = torch.ones(2, 2), torch.zeros(2, 2)
    optimizer.step()
    assert torch.equal(zero_weight.detach(), torch.full((2, 2), -0.5))
    assert torch.equal(zero_gradient.detach(), torch.ones(2, 2))


def test_lars_leaves_gradients_as_they_were_and_passes_over_missing_ones():
    model = _model()
    _set_gradients(model, 0)
    model[4].weight.grad = None
    before = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    weight = model[4].weight.detach().clone()
    LARS(parameter_groups([model], 0.1), lr=1.0).step()
    for p, grad in zip(model.parameters(), before, strict=True):
        assert (p.grad is None) if grad is None else torch.equal(p.grad, grad)
    assert torch.equal(model[4].weight.detach(), weight)


def test_lars_leaves_biases_and_norms_out_of_decay_and_adaptation():
    recipe = Recipe(optimizer="lars", width=0.25, weight_decay=0.5)
    encoder = build_encoder(recipe)
    head = ProjectionHead(encoder.dim, 0, 16, batch_norm=False)
    optimizer = build_optimizer(recipe, [encoder, head])
    named = [*encoder.named_parameters(), *head.named_parameters()]
    plain = {id(p) for name, p in named if name.endswith("bias") or ".bn" in f".{name}" or "downsample.1" in name}
    for group in optimizer.param_groups:
        is_plain = not group["adapt"]
        assert group["weight_decay"] == (0.0 if is_plain else 0.5)
        assert all((id(p) in plain) == is_plain for p in group["params"])
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(named)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "lars"])
@pytest.mark.parametrize("decay_on", ["auto", "all", "weights"])
def test_what_decays_is_a_choice_and_auto_is_what_was_published(name, decay_on):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    optimizer = build_optimizer(_recipe(name, decay_on=decay_on), [model])
    decays = {id(p): group["weight_decay"] > 0 for group in optimizer.param_groups for p in group["params"]}
    weights_only = decay_on == "weights" or (decay_on == "auto" and name == "lars")
    assert [decays[id(p)] for p in model.parameters()] == [True, *[not weights_only] * 3]


@pytest.mark.parametrize(
    ("name", "reference"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_the_fused_optimisers_equal_torchs_plain_ones(name, reference):
    ours, theirs = _model(), _model()
    optimizer = build_optimizer(_recipe(name, momentum=0.8), [ours])
    extra = {"momentum": 0.8} if name == "sgd" else {}
    plain = reference(theirs.parameters(), lr=0.05, weight_decay=0.01, foreach=False, **extra)
    for step, lr in enumerate([0.05, 0.02, 0.07]):
        for model, opt in ((ours, optimizer), (theirs, plain)):
            _set_gradients(model, step)
            _set_lr(opt, lr)
            opt.step()
    torch.testing.assert_close(list(ours.parameters()), list(theirs.parameters()), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("bad_step", [0, 2])
@pytest.mark.parametrize("in_tensor", [False, True])
def test_a_step_with_found_inf_changes_nothing_and_the_next_goes_on(name, bad, bad_step, in_tensor):
    model, straight = _model(), _model()
    optimizer, reference = (build_optimizer(_recipe(name), [m]) for m in (model, straight))
    for opt in (optimizer, reference) if in_tensor else ():
        _set_lr(opt, torch.tensor(0.05))
    for step in range(4):
        if step == bad_step:
            _set_gradients(model, 100)
            for p in model.parameters():
                p.grad[(0,) * p.ndim] = bad
            before = _snapshot(model, optimizer)
            optimizer.found_inf = torch.ones(())
            optimizer.step()
            weights, state = _snapshot(model, optimizer)
            torch.testing.assert_close(weights, before[0], atol=0, rtol=0)
            if step > 0:
                torch.testing.assert_close(state, before[1], atol=0, rtol=0)
        for m, opt in ((model, optimizer), (straight, reference)):
            _set_gradients(m, step)
            opt.found_inf = torch.zeros(())
            opt.step()
    weights, state = _snapshot(model, optimizer)
    expected_weights, expected_state = _snapshot(straight, reference)
    torch.testing.assert_close(weights, expected_weights, atol=0, rtol=0)
    torch.testing.assert_close(state, expected_state, atol=0, rtol=0)
    assert any((p - q).abs().max() > 0 for p, q in zip(weights, _model().parameters(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_found_inf_at_zero_gives_the_step_without_it(name):
    with_flag, without = _model(), _model()
    first, second = (build_optimizer(_recipe(name), [m]) for m in (with_flag, without))
    first.found_inf = torch.zeros(())
    for step in range(3):
        for m, opt in ((with_flag, first), (without, second)):
            _set_gradients(m, step)
            opt.step()
    torch.testing.assert_close(list(with_flag.parameters()), list(without.parameters()), atol=0, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_state_saved_and_loaded_goes_on_to_the_bit(name):
    model = _model()
    optimizer = build_optimizer(_recipe(name), [model])
    for step in range(2):
        _set_gradients(model, step)
        optimizer.step()
    resumed = copy.deepcopy(model)
    fresh = build_optimizer(_recipe(name), [resumed])
    fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for m, opt in ((model, optimizer), (resumed, fresh)):
        _set_gradients(m, 7)
        opt.step()
    torch.testing.assert_close(list(model.parameters()), list(resumed.parameters()), atol=0, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_rate_starts_at_the_recipes_peak(name):
    recipe = Recipe(optimizer=name, lr=0.03, lr_scaling="linear", batch_size=512)
    optimizer = build_optimizer(recipe, [_model()])
    assert {group["lr"] for group in optimizer.param_groups} == {0.06}


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_in_a_tensor_is_read_anew_at_every_step(name):
    """As a captured step needs it, which cannot be given another Python number."""
    in_tensor, as_float = _model(), _model()
    first, second = (build_optimizer(_recipe(name), [m]) for m in (in_tensor, as_float))
    rate = torch.zeros(())
    _set_lr(first, rate)
    for step, lr in enumerate([0.05, 0.02, 0.07]):
        rate.fill_(lr)
        _set_lr(second, lr)
        for m, opt in ((in_tensor, first), (as_float, second)):
            _set_gradients(m, step)
            opt.found_inf = torch.zeros(())
            opt.step()
    torch.testing.assert_close(list(in_tensor.parameters()), list(as_float.parameters()))


class _Operations(TorchDispatchMode):
    """Counts what is launched."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 1
        return func(*args, **(kwargs or {}))


def test_lars_launches_as_much_for_many_tensors_as_for_few():
    counts = []  # with its rate in a tensor, as on a GPU
    for layers in (2, 12):
        model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(layers)))
        optimizer = build_optimizer(_recipe("lars"), [model])
        optimizer.found_inf = torch.zeros(())
        _set_lr(optimizer, torch.tensor(0.05))
        for _ in range(2):  # the first step also makes the buffers
            _set_gradients(model, 0)
            with _Operations() as operations:
                optimizer.step()
        counts.append(operations.count)
    assert counts[0] == counts[1] < 25


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("name", NAMES)
def test_a_gpu_step_does_not_wait_for_the_device(name):
    model = _model().cuda()
    optimizer = build_optimizer(_recipe(name), [model])
    optimizer.found_inf = torch.zeros((), device="cuda")
    for sync in ("default", "error"):
        for p in model.parameters():
            p.grad = torch.randn_like(p)
        torch.cuda.set_sync_debug_mode(sync)
        try:
            optimizer.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
