"""Health: each figure against its definition, each word of warning provoked by a real run."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from simclr_tui.errors import ExitCode
from simclr_tui.train.attempt import run_attempt
from simclr_tui.train.observe.health import effective_rank, measure_health, stuck_at_chance
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.stop_flag import StopFlag
from tests.training import tiny_run


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (30, 30)])
def test_effective_rank_is_the_exponential_of_the_entropy_of_singular_values(shape):
    features = drawn(*shape) * torch.linspace(0.1, 3.0, shape[1]).double() + 5.0
    values = np.linalg.svd(features.numpy() - features.numpy().mean(axis=0), compute_uv=False)
    shares = values[values > 1e-12] / values.sum()
    assert effective_rank(features) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()), rel=1e-6)


def test_effective_rank_counts_equal_directions():
    orthogonal = torch.linalg.qr(drawn(64, 8) - drawn(64, 8).mean(dim=0)).Q
    centred = torch.cat((orthogonal, -orthogonal))  # a mean of zero keeps the directions equal
    assert effective_rank(centred) == pytest.approx(8.0, rel=1e-6)
    assert effective_rank(centred.float() + 3.0) == pytest.approx(8.0, rel=1e-3)


def test_effective_rank_of_a_point_is_one():
    assert effective_rank(torch.full((20, 7), 0.3)) == 1.0
    assert effective_rank(torch.full((20, 7), torch.nan)) == 1.0


def test_alignment_and_uniformity_against_double_loops():
    z_a, z_b = drawn(9, 5), drawn(9, 5, seed=1)
    a, b = (z / z.norm(dim=1, keepdim=True) for z in (z_a, z_b))
    alignment = sum(float((x - y).square().sum()) for x, y in zip(a, b, strict=True)) / 9
    pairs = [math.exp(-2 * float((a[i] - a[j]).square().sum())) for i in range(9) for j in range(9) if i != j]
    health = measure_health(drawn(18, 12), 3 * z_a, z_b)
    assert health.alignment == pytest.approx(alignment, rel=1e-9)
    assert health.uniformity == pytest.approx(math.log(sum(pairs) / len(pairs)), rel=1e-9)


def test_spread_is_one_for_opposite_views_and_nothing_for_equal_ones():
    z = drawn(50, 6)
    assert measure_health(drawn(100, 6), z, -z).spread == pytest.approx(1.0)
    alike = torch.ones(50, 6).double() + 1e-3 * z
    health = measure_health(drawn(100, 6), alike, alike)
    assert health.spread < 0.01
    assert health.collapsed


def test_healthy_features_are_not_called_collapsed():
    assert not measure_health(drawn(200, 32), drawn(100, 16), drawn(100, 16, seed=1)).collapsed


@pytest.mark.parametrize(
    ("loss", "separation", "stuck"),
    [(math.log(31), 0.0, True), (math.log(31) * 0.99, 0.0, False), (math.log(31), 0.2, False), (math.nan, 0.0, False)],
)
def test_a_loss_is_stuck_where_it_is_chance_and_positives_are_like_negatives(loss, separation, stuck):
    assert stuck_at_chance([loss] * 30, [separation] * 30, candidates=31) is stuck


def train(run):
    return run_attempt(run.paths, Reporter(run.paths), StopFlag())


def warnings(run):
    return [event.message for event in run.events if event.event == "warning"]


def test_weights_that_decay_to_nothing_are_called_collapsed_and_diverged(tmp_path):
    run = tiny_run(tmp_path, subset=400, lr=0.05, weight_decay=5.0, head_bn=False, warmup=0.0, epochs=3)
    assert train(run) == ExitCode.OK
    assert set(run.status.flags) == {"collapsed", "diverged"}
    assert any("collapsed at step" in message for message in warnings(run))
    assert any("stuck at chance" in message for message in warnings(run))


def test_a_run_that_learns_has_its_health_logged_and_no_flag(tmp_path):
    run = tiny_run(tmp_path)
    assert train(run) == ExitCode.OK
    assert run.status.flags == ()
    for name in ("alignment", "uniformity", "rank_h", "rank_z"):
        assert run.metric(name).steps == [0, 6, 12, 18], name
    assert all(1.0 <= value <= 64.0 for value in run.metric("rank_h").values)
    assert all(1.0 <= value <= 8.0 for value in run.metric("rank_z").values)
    for name in ("contrastive_top5", "positive_similarity", "negative_similarity"):
        assert run.metric(name).steps == list(range(1, 19)), name


def test_unlabelled_images_have_their_health_measured_without_knn(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(40):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{number}.png")
    run = tiny_run(tmp_path / "store", data=f"folder:{folder}", subset=0, epochs=1)
    assert train(run) == ExitCode.OK
    assert run.metric("rank_h").steps == [0, 2]
    assert "knn" not in run.history().columns
