"""The scatter of an embedding: components against scikit-learn's, points against the images they are of."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from simclr_tui.launch.tasks import project
from simclr_tui.tasks.pca import principal_components
from tests.training import tiny_run, train_in_process


@pytest.mark.parametrize("shape", [(50, 8), (12, 300)])
def test_components_are_scikit_learns_with_the_largest_loading_positive(shape):
    rng = np.random.default_rng(0)
    h = rng.normal(size=shape) * np.linspace(3.0, 0.5, shape[1]) + 7.0
    scores, explained = principal_components(h)
    reference = PCA(2, svd_solver="full").fit(h)
    signs = np.sign([row[np.abs(row).argmax()] for row in reference.components_])
    assert np.allclose(scores, reference.transform(h) * signs, atol=1e-8)
    assert np.allclose(explained, reference.explained_variance_ratio_, atol=1e-10)


def test_h_on_a_line_has_one_component_and_h_in_a_point_none():
    line = np.outer(np.arange(6.0), [1.0, -2.0])
    scores, explained = principal_components(line)
    assert explained == pytest.approx([1.0, 0.0])
    assert np.ptp(scores[:, 1]) == 0.0
    scores, explained = principal_components(np.ones((6, 2)))
    assert not scores.any()
    assert not explained.any()


def test_a_trained_run_is_projected_class_by_class(tmp_path):
    run = tiny_run(tmp_path, epochs=1)
    assert train_in_process(run).returncode == 0
    found = project(run, split="test", quiet=True)
    assert len(found.points) == min(2000, found.images)
    assert {point.label for point in found.points} == set(found.classes)
    assert {point.split for point in found.points} == {"test"}
    assert 0.0 < found.explained[1] <= found.explained[0] <= 1.0
    counts = [sum(point.label == name for point in found.points) for name in found.classes]
    assert max(counts) - min(counts) <= 1
    assert found.step == 6
