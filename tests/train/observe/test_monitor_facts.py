"""What stands beside a kNN accuracy, and the warning that k asks for more than a class has."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.observe.knn import mean_per_class
from simclr_tui.train.observe.monitor import Monitor


def monitor(train: list[int], test: list[int], k: int) -> Monitor:
    """A monitor of images that have so many of each class."""

    def images(counts: list[int]) -> ImageSet:
        labels = np.repeat(np.arange(len(counts)), counts)
        return ImageSet(np.zeros((len(labels), 3, 8, 8), np.uint8), labels)

    names = tuple(f"class{number}" for number in range(len(train)))
    data = Data(images(train), images(test), names)
    return Monitor(Recipe(knn_k=k), data, None, None, None)


def test_k_bank_chance_and_largest_class_are_facts():
    facts = monitor([33, 3], [9, 1], 200).facts()
    assert facts == {
        "knn_k": 36, "knn_bank": 36, "knn_smallest_class": 3, "chance": 0.5, "largest_class": pytest.approx(0.9),
    }  # fmt: skip


@pytest.mark.parametrize(("k", "warned"), [(200, True), (4, True), (3, False)])
def test_more_neighbours_than_the_smallest_class_has_are_warned_of(k, warned):
    warnings = monitor([33, 3], [9, 1], k).warnings()
    assert bool(warnings) is warned
    assert not warned or "--knn-k 3 or fewer" in warnings[0]


def test_balanced_accuracy_of_a_vote_for_the_largest_class_is_chance():
    labels = torch.tensor([0] * 9 + [2])  # class 1 has no test images
    right = labels == 0
    assert mean_per_class(right, labels) == 0.5
    assert mean_per_class(torch.ones(10, dtype=torch.bool), labels) == 1.0
