from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from simclr_tui.errors import ExitCode
from simclr_tui.train.observe.ridge_probe import ridge_accuracy
from tests.train.test_loop import train
from tests.training import tensors, tiny_run


def blobs(count, seed, classes=4, width=12):
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, classes, count)
    centres = np.random.default_rng(9).normal(size=(classes, width))
    return centres[labels] + 1.5 * chance.normal(size=(count, width)), labels


@pytest.mark.parametrize("count", [40, 5000])  # within one chunk, and in several
def test_it_is_ridge_regression_on_indicators_of_the_classes(count):
    bank, known = blobs(count, 1)
    queries, asked = blobs(300, 2)
    scaler = StandardScaler().fit(bank)
    scale = scaler.scale_ * np.sqrt(count / (count - 1))  # torch's standard deviation
    model = Ridge(alpha=0.01 * count).fit((bank - scaler.mean_) / scale, np.eye(4)[known])
    expected = (model.predict((queries - scaler.mean_) / scale).argmax(1) == asked).mean()
    *parts, labels = (
        torch.from_numpy(part) for part in (bank.astype(np.float32), known, queries.astype(np.float32), asked)
    )
    assert 0.5 < expected < 1.0
    assert ridge_accuracy(*parts, labels=labels, classes=4) == pytest.approx(expected, abs=1e-9)


def test_features_without_spread_give_the_largest_class():
    known = torch.tensor([0, 0, 1])
    assert (
        ridge_accuracy(torch.ones(3, 5), known, torch.ones(4, 5), labels=torch.tensor([0, 0, 0, 1]), classes=2) == 0.75
    )


def test_a_run_that_measures_it_trains_as_one_that_does_not(tmp_path):
    flags = {"epochs": 2, "knn_every": 1}
    plain, probed = tiny_run(tmp_path / "plain", **flags), tiny_run(tmp_path / "probed", probe=True, **flags)
    for run in (plain, probed):
        assert train(run) == ExitCode.OK
    found = probed.metric("probe_accuracy")
    assert list(found.steps) == list(probed.metric("knn").steps)
    assert all(0.0 <= value <= 1.0 for value in found.values)
    assert probed.status.summary["probe_accuracy"] == found.values[-1]
    assert "probe_accuracy" not in plain.status.summary
    left, right = tensors(plain), tensors(probed)
    assert all(torch.equal(value, right[name]) for name, value in left.items() if isinstance(value, torch.Tensor))
