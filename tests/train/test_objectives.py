from __future__ import annotations

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.loss import LOSS_METRICS, GlobalProjections, Objective, contrastive_top1, nt_xent

KINDS = [
    ("nt-xent", False),
    ("dcl", False),
    ("nt-logistic", False),
    ("nt-logistic", True),
    ("margin", False),
    ("margin", True),
]
SETTINGS = [(1, 0.5, 0.5), (2, 0.1, 0.05), (6, 0.5, 0.5), (7, 1.0, 1.5)]
every_kind = pytest.mark.parametrize(("kind", "semi_hard"), KINDS)


def _objective(kind="nt-xent", semi_hard=False, temperature=0.5, l2=True, margin=0.5, one_view=False):
    return Objective(kind, temperature, l2, margin, semi_hard, one_view)


def _pairs(n, d=4, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    z_a = torch.randn(n, d, generator=generator, dtype=torch.float64)
    z_b = z_a + torch.randn(n, d, generator=generator, dtype=torch.float64)
    return z_a.to(dtype).requires_grad_(), z_b.to(dtype).requires_grad_()


def _similarities(z_a, z_b, l2):
    z = torch.cat([z_a, z_b]).double()
    rows = [row / row.norm() for row in z] if l2 else list(z)
    return [[a @ b for b in rows] for a in rows]


def _negatives(s, i, j, objective):
    """The views that anchor i is pushed away from."""
    others = [k for k in range(len(s)) if k not in (i, j)]
    if objective.one_view:
        others = [k for k in others if (k < len(s) // 2) == (j < len(s) // 2)]
    if not objective.semi_hard:
        return others
    farther = [k for k in others if s[i][k] < s[i][j]]
    if objective.kind == "margin":
        farther = [k for k in farther if s[i][k] > s[i][j] - objective.margin]
    return [max(farther, key=lambda k: s[i][k])] if farther else []


def _anchor_loss(s, i, j, objective):
    t, negatives = objective.temperature, _negatives(s, i, j, objective)
    pull = s[i][j] / t
    if objective.kind == "nt-xent":
        return -torch.log(torch.exp(pull) / sum(torch.exp(s[i][k] / t) for k in [j, *negatives]))
    if objective.kind == "dcl":
        return -pull + (torch.log(sum(torch.exp(s[i][k] / t) for k in negatives)) if negatives else 0.0)
    if objective.kind == "margin":
        terms = [torch.clamp(s[i][k] - s[i][j] + objective.margin, min=0.0) for k in negatives]
        return sum(terms) / len(terms) if terms else 0.0 * pull
    terms = [torch.log(1 + torch.exp(s[i][k] / t)) for k in negatives]  # −log σ(−x) = log(1 + eˣ)
    return torch.log(1 + torch.exp(-pull)) + (sum(terms) / len(terms) if terms else 0.0)


def _loop(z_a, z_b, objective):
    """The loss from its formula, one anchor and one similarity at a time, in float64."""
    n, s = len(z_a), _similarities(z_a, z_b, objective.l2)
    return sum(_anchor_loss(s, i, (i + n) % (2 * n), objective) for i in range(2 * n)) / (2 * n)


def _figures_loop(z_a, z_b, l2):
    z = np.concatenate([z_a.detach().double().numpy(), z_b.detach().double().numpy()])
    n, hits1, hits5, positives, negatives = len(z_a), [], [], [], []
    cosine = z @ z.T / np.outer(np.linalg.norm(z, axis=1), np.linalg.norm(z, axis=1))
    s = cosine if l2 else z @ z.T
    for i in range(2 * n):
        j = (i + n) % (2 * n)
        ranked = sorted((k for k in range(2 * n) if k != i), key=lambda k: -s[i, k])
        hits1.append(ranked[0] == j)
        hits5.append(j in ranked[:5])
        positives.append(cosine[i, j])
        negatives += [cosine[i, k] for k in range(2 * n) if k not in (i, j)]
    return [np.mean(hits1), np.mean(hits5), np.mean(positives), np.mean(negatives)]


@every_kind
@pytest.mark.parametrize("l2", [True, False])
@pytest.mark.parametrize(("n", "temperature", "margin"), SETTINGS)
def test_the_loss_and_its_gradient_equal_the_formulas(kind, semi_hard, l2, n, temperature, margin):
    objective = _objective(kind, semi_hard, temperature, l2, margin)
    z = _pairs(n)
    loss, expected = objective(*z)[0], _loop(*z, objective)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-10)
    for mine, loops in zip(torch.autograd.grad(loss, z), torch.autograd.grad(expected, z), strict=True):
        torch.testing.assert_close(mine, loops, rtol=1e-9, atol=1e-10)


@every_kind
@pytest.mark.parametrize("n", [1, 2, 6])
def test_negatives_of_one_view_equal_the_formulas_and_parts_average_to_the_whole(kind, semi_hard, n):
    objective, z = _objective(kind, semi_hard, margin=0.0 if n == 2 else 0.5, one_view=True), _pairs(n)
    loss, expected = objective(*z)[0], _loop(*z, objective)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-10)
    for mine, loops in zip(torch.autograd.grad(loss, z), torch.autograd.grad(expected, z), strict=True):
        torch.testing.assert_close(mine, loops, rtol=1e-9, atol=1e-10)
    parts = [objective(z[0][i : i + 1], z[1][i : i + 1], GlobalProjections(*z, i))[0] for i in range(n)]
    torch.testing.assert_close(sum(parts) / n, objective(*z)[0], rtol=1e-10, atol=1e-10)


def test_among_one_view_the_partner_is_ranked_among_n_candidates():
    z = torch.nn.functional.normalize(torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    same = torch.ones(8, 4)
    assert _objective(one_view=True)(same, same)[1][0] == pytest.approx(1 / 8)  # ties at chance
    assert _objective()(same, same)[1][0] == pytest.approx(1 / 15)
    assert Recipe(batch_size=8, negatives="one").candidates == 8
    assert Recipe(batch_size=8).candidates == 15
    assert _objective(one_view=True)(z, z)[1][0] == 1.0


@pytest.mark.parametrize("kind", ["margin", "nt-logistic"])
def test_semi_hard_takes_one_negative_where_there_is_one_and_none_elsewhere(kind):
    objective, (z_a, _) = _objective(kind, semi_hard=True, margin=0.3), _pairs(6)
    z = z_a, z_a.roll(1, dims=0) + 0.5 * _pairs(6, seed=1)[0]  # positives as far away as negatives
    s = _similarities(*z, l2=True)
    assert {len(_negatives(s, i, (i + 6) % 12, objective)) for i in range(12)} == {0, 1}
    torch.testing.assert_close(objective(*z)[0], _loop(*z, objective))


def test_a_negative_nearer_than_the_positive_is_not_semi_hard():
    z_a = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert _objective("margin")(z_a, -z_a)[0] == 1.5
    assert _objective("margin", semi_hard=True)(z_a, -z_a)[0] == 0.0


@every_kind
@pytest.mark.parametrize("l2", [True, False])
@pytest.mark.parametrize("parts", [1, 2, 4])
def test_parts_of_a_batch_average_to_the_whole(kind, semi_hard, l2, parts):
    objective, z = _objective(kind, semi_hard, l2=l2), _pairs(8, seed=3)
    whole, figures = objective(*z)
    n = 8 // parts
    results = []
    for first in range(0, 8, n):
        mine = slice(first, first + n)
        results.append(objective(z[0][mine], z[1][mine], GlobalProjections(*z, first)))
    average = sum(loss for loss, _ in results) / parts
    tight = {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close(average, whole, **tight)
    torch.testing.assert_close(torch.stack([part for _, part in results]).mean(dim=0), figures, **tight)
    for mine, expected in zip(torch.autograd.grad(average, z), torch.autograd.grad(whole, z), strict=True):
        torch.testing.assert_close(mine, expected, **tight)


@every_kind
def test_order_of_pairs_swap_of_views_and_scale_of_z_do_not_matter(kind, semi_hard):
    objective, (z_a, z_b) = _objective(kind, semi_hard), _pairs(9, 6)
    expected = objective(z_a, z_b)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    scales = torch.logspace(-3, 3, 9, dtype=torch.float64)[:, None]
    torch.testing.assert_close(objective(z_a[order], z_b[order]), expected)
    torch.testing.assert_close(objective(z_b, z_a), expected)
    torch.testing.assert_close(objective(z_a * scales, z_b * 7.0), expected)


@every_kind
def test_without_l2_the_length_of_z_counts(kind, semi_hard):
    objective, (z_a, z_b) = _objective(kind, semi_hard, l2=False), _pairs(9, 6)
    loss, figures = objective(z_a, z_b)
    doubled, same = objective(2 * z_a, 2 * z_b)
    assert doubled.item() != pytest.approx(loss.item(), rel=1e-3)
    torch.testing.assert_close(same, figures)


@every_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("temperature", [0.01, 100.0])
def test_any_temperature_is_safe_in_any_precision(kind, semi_hard, dtype, temperature):
    objective, z = _objective(kind, semi_hard, temperature), _pairs(12, 8, dtype=dtype)
    loss, figures = objective(*z)
    assert (loss.dtype, figures.dtype) == (torch.float32, torch.float32)
    assert loss.item() == pytest.approx(_loop(*z, objective).item(), rel=1e-4, abs=1e-4)
    assert all(torch.isfinite(grad).all() for grad in torch.autograd.grad(loss, z))


@every_kind
def test_autocast_changes_nothing(kind, semi_hard):
    objective, z = _objective(kind, semi_hard, 0.1), _pairs(17, 16, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        inside = objective(*z, GlobalProjections(*z, 0))
    torch.testing.assert_close(inside, objective(*z), rtol=0, atol=0)


@every_kind
@pytest.mark.parametrize("l2", [True, False])
def test_one_image_alone_and_zero_projections_stay_finite(kind, semi_hard, l2):
    objective = _objective(kind, semi_hard, 0.05, l2)
    for n in (1, 3):
        z_a, z_b = _pairs(n, dtype=torch.float32)
        for z in ((z_a, z_b), (z_a * 0.0, z_b)):
            loss, figures = objective(*z)
            assert torch.isfinite(loss)
            assert torch.isfinite(figures).all()
            assert all(torch.isfinite(grad).all() for grad in torch.autograd.grad(loss, (z_a, z_b)))


@pytest.mark.parametrize("l2", [True, False])
@pytest.mark.parametrize("n", [2, 3, 4, 16, 40])
def test_the_figures_equal_a_ranking_of_all_other_views(n, l2):
    z = _pairs(n, 3, seed=n)
    loss, figures = _objective(l2=l2)(*z)
    assert figures.tolist() == pytest.approx(_figures_loop(*z, l2), abs=1e-12)
    assert len(figures) == len(LOSS_METRICS)
    assert not figures.requires_grad
    assert loss.requires_grad


@every_kind
def test_the_figures_are_the_same_for_every_loss(kind, semi_hard):
    z = _pairs(16, 3)
    expected = _objective(temperature=1.0)(*z)[1]
    torch.testing.assert_close(_objective(kind, semi_hard)(*z)[1], expected)


def test_a_tie_counts_its_share():
    z = torch.ones(8, 4)  # the positive is one of 15 that are equally near
    assert _objective()(z, z)[1].tolist() == pytest.approx([1 / 15, 5 / 15, 1.0, 1.0])


def test_the_figures_of_one_image_alone_have_no_negatives_to_speak_of():
    top1, top5, positive, negative = _objective()(*_pairs(1))[1].tolist()
    assert (top1, top5) == (1.0, 1.0)
    assert negative == pytest.approx(0.0, abs=1e-12)
    assert positive == pytest.approx(_similarities(*_pairs(1), l2=True)[0][1].item())


def test_one_image_among_everyones_meets_all_of_them():
    z_a, z_b = _pairs(5)
    alone = [_objective()(z_a[i : i + 1], z_b[i : i + 1], GlobalProjections(z_a, z_b, i))[0] for i in range(5)]
    torch.testing.assert_close(torch.stack(alone).mean(), nt_xent(z_a, z_b, 0.5))
    assert min(alone) > 0.0


def test_a_recipe_names_its_objective():
    recipe = Recipe(objective="margin", temperature=0.2, l2=False, margin=0.7, semi_hard=True)
    assert Objective.of(recipe) == Objective("margin", 0.2, False, 0.7, True)
    assert Objective.of(Recipe(negatives="one")).one_view


def test_the_functions_are_the_nt_xent_objective():
    z = _pairs(9)
    loss, figures = _objective(temperature=0.2)(*z)
    assert nt_xent(*z, 0.2) == loss
    assert contrastive_top1(*z) == figures[0]


@every_kind
def test_nothing_waits_for_a_value(kind, semi_hard):
    with FakeTensorMode():  # knows shapes only; raises where a value, or a shape it decides, is asked for
        z_a, z_b = (torch.randn(8, 4, requires_grad=True) for _ in range(2))
        loss, figures = _objective(kind, semi_hard)(z_a[:4], z_b[:4], GlobalProjections(z_a, z_b, 0))
        loss.backward()
    assert (loss.shape, figures.shape, z_a.grad.shape) == ((), (4,), (8, 4))


@every_kind
def test_no_temporary_is_larger_than_one_matrix_of_similarities(kind, semi_hard):
    n = 256
    z = _pairs(n, 16, dtype=torch.float32)
    with torch.profiler.profile(profile_memory=True) as profile:
        _objective(kind, semi_hard)(*z)[0].backward()
    assert max(event.self_cpu_memory_usage for event in profile.events()) <= 1.1 * (2 * n) ** 2 * 4
