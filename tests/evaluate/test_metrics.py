from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from simclr_tui.evaluate.metrics import compute_metrics, mean_average_precision


@pytest.mark.parametrize("levels", [1_000_000, 5])  # without ties, and with many, as votes of few neighbours have
def test_mean_average_precision_is_the_mean_of_every_class_against_the_others(levels):
    chance = np.random.default_rng(3)
    labels = chance.integers(0, 6, 400)
    scores = chance.integers(0, levels, (400, 6)).astype(np.float64) + levels / 3 * np.eye(6)[labels]
    expected = np.mean([average_precision_score(labels == label, scores[:, label]) for label in range(6)])
    found = mean_average_precision(torch.from_numpy(scores), torch.from_numpy(labels))
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_class_without_test_images_does_not_count():
    scores = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.6, 0.4, 0.0]])
    assert compute_metrics(scores, torch.tensor([0, 1, 0])).mean_ap == 1.0
    # Class 0 is found second; of class 1 one image first and one last.
    assert mean_average_precision(scores, torch.tensor([1, 1, 0])) == pytest.approx((1 / 2 + (1 + 2 / 3) / 2) / 2)
