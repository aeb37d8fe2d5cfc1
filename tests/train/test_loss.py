from __future__ import annotations

import math

import pytest
import torch

from simclr_tui.train.loss import LOSS_METRICS, Objective, contrastive_top1, nt_xent


def _pairs(n: int, d: int, seed: int = 0, dtype: torch.dtype = torch.float64):
    generator = torch.Generator().manual_seed(seed)
    z_a = torch.randn(n, d, generator=generator, dtype=torch.float64)
    z_b = z_a + torch.randn(n, d, generator=generator, dtype=torch.float64)
    return z_a.to(dtype), z_b.to(dtype)


def _double_loop(z_a: torch.Tensor, z_b: torch.Tensor, temperature: float) -> tuple[float, float]:
    """Equation 1 and the accuracy, term by term, in Python floats."""
    z = [[float(x) for x in row] for row in torch.cat([z_a, z_b]).double()]
    n = len(z) // 2
    norms = [math.sqrt(math.fsum(x * x for x in row)) for row in z]

    def sim(i: int, k: int) -> float:
        return math.fsum(a * b for a, b in zip(z[i], z[k], strict=True)) / (norms[i] * norms[k])

    total, hits = 0.0, 0
    for i in range(2 * n):
        j = (i + n) % (2 * n)
        others = [k for k in range(2 * n) if k != i]
        denominator = math.fsum(math.exp((sim(i, k) - sim(i, j)) / temperature) for k in others)
        total += math.log(denominator)
        hits += max(others, key=lambda k: sim(i, k)) == j
    return total / (2 * n), hits / (2 * n)


@pytest.mark.parametrize("n", [1, 2, 7, 16])
@pytest.mark.parametrize("temperature", [0.05, 0.5, 10.0])
def test_the_loss_and_the_accuracy_equal_the_formula(n, temperature):
    z_a, z_b = _pairs(n, 5)
    loss, top1 = _double_loop(z_a, z_b, temperature)
    assert nt_xent(z_a, z_b, temperature).item() == pytest.approx(loss, abs=1e-10)
    assert contrastive_top1(z_a, z_b).item() == pytest.approx(top1)


@pytest.mark.parametrize("n", [1, 4])
def test_the_gradient_is_the_losss_derivative(n):
    z_a, z_b = (z.requires_grad_() for z in _pairs(n, 3))
    assert torch.autograd.gradcheck(lambda a, b: nt_xent(a, b, 0.3), (z_a, z_b))


def test_order_of_pairs_swap_of_views_and_scale_of_z_do_not_matter():
    z_a, z_b = _pairs(9, 6)
    loss = nt_xent(z_a, z_b, 0.5)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(nt_xent(z_a[order], z_b[order], 0.5), loss)
    torch.testing.assert_close(nt_xent(z_b, z_a, 0.5), loss)
    scales = torch.logspace(-3, 3, 9, dtype=torch.float64)[:, None]
    torch.testing.assert_close(nt_xent(z_a * scales, z_b * 7.0, 0.5), loss)
    rotation = torch.linalg.qr(_pairs(6, 6, seed=2)[0]).Q
    torch.testing.assert_close(nt_xent(z_a @ rotation, z_b @ rotation, 0.5), loss)


def test_one_pair_has_no_negatives_and_no_loss():
    z_a, z_b = (z.requires_grad_() for z in _pairs(1, 4, dtype=torch.float32))
    loss = nt_xent(z_a, z_b, 0.5)
    loss.backward()
    assert (loss.item(), contrastive_top1(z_a, z_b).item()) == (0.0, 1.0)
    assert not z_a.grad.any()


def test_a_very_high_temperature_gives_the_loss_of_chance():
    z_a, z_b = _pairs(32, 8)
    assert nt_xent(z_a, z_b, 1e6).item() == pytest.approx(math.log(63), abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_very_low_temperature_stays_finite(dtype):
    z_a, z_b = (z.requires_grad_() for z in _pairs(32, 8, dtype=dtype))
    loss = nt_xent(z_a, z_b, 0.005)
    loss.backward()
    expected = _double_loop(z_a.detach(), z_b.detach(), 0.005)[0]
    assert loss.item() == pytest.approx(expected, rel=1e-3)
    assert torch.isfinite(z_a.grad).all()


def test_equal_projections_give_the_loss_of_chance():
    z = torch.ones(16, 4)
    assert nt_xent(z, z, 0.1).item() == pytest.approx(math.log(31), abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_input_is_computed_in_float32(dtype):
    z_a, z_b = _pairs(17, 16, dtype=dtype)
    loss = nt_xent(z_a, z_b, 0.1)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(_double_loop(z_a, z_b, 0.1)[0], abs=1e-4)


def test_autocast_changes_nothing():
    z_a, z_b = _pairs(17, 16, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        inside = nt_xent(z_a, z_b, 0.1)
    assert inside == nt_xent(z_a, z_b, 0.1)
    assert inside.dtype == torch.float32


def test_a_zero_projection_gives_a_finite_loss_and_gradient():
    z_a, z_b = _pairs(4, 3, dtype=torch.float32)
    z_a[0] = 0.0
    z_a.requires_grad_()
    loss = nt_xent(z_a, z_b, 0.5)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(z_a.grad).all()


@pytest.mark.parametrize("n", [2, 8, 33])
def test_a_tie_counts_its_share_so_that_constant_embeddings_are_at_chance(n):
    """Google's implementation ranks N candidates, here 2N - 1 are ranked: chance is 1 in 2N - 1."""
    constant = torch.full((n, 3), 0.5)
    assert contrastive_top1(constant, constant).item() == pytest.approx(1 / (2 * n - 1))
    _, metrics = Objective("nt-xent", 0.5, l2=True, margin=0.0, semi_hard=False)(constant, constant)
    top5 = dict(zip(LOSS_METRICS, metrics.tolist(), strict=True))["contrastive_top5"]
    assert top5 == pytest.approx(min(1.0, 5 / (2 * n - 1)))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_embedding_that_is_not_finite_has_no_accuracy(value):
    z_a, z_b = _pairs(6, 4)
    z_a[2] = value
    loss, metrics = Objective("nt-xent", 0.5, l2=True, margin=0.0, semi_hard=False)(z_a, z_b)
    assert loss.isnan()
    assert metrics.isnan().all()


def test_the_accuracy_is_one_for_matching_and_zero_for_swapped_pairs():
    z = torch.eye(6)
    assert contrastive_top1(z, z).item() == 1.0
    assert contrastive_top1(z, z.roll(1, dims=0)).item() == 0.0
