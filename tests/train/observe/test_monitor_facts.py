"""What stands beside a kNN accuracy, and the warning that k asks for more than a class has."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.data.validation import bank_and_validation
from simclr_tui.train.observe.knn import mean_per_class
from simclr_tui.train.observe.monitor import Monitor


def monitor(train: list[int], test: list[int], k: int) -> Monitor:
    """A monitor of images that have so many of each class."""

    def images(counts: list[int]) -> ImageSet:
        labels = np.repeat(np.arange(len(counts)), counts)
        return ImageSet(np.zeros((len(labels), 3, 8, 8), np.uint8), labels)

    names = tuple(f"class{number}" for number in range(len(train)))
    data = Data(images(train), images(test), names)
    return Monitor(Recipe(knn_k=k, knn_on="test"), data, None, report=None, stop=None)


def test_k_bank_chance_and_largest_class_are_facts():
    facts = monitor([33, 3], [9, 1], 200).facts()
    assert facts == {
        "knn_on": "test", "knn_images": 10,
        "knn_k": 36, "knn_weights": "similarity", "knn_bank": 36,
        "knn_smallest_class": 3, "chance": 0.5, "largest_class": pytest.approx(0.9),
    }  # fmt: skip


def test_a_part_of_each_image_is_a_fact_and_the_whole_is_none():
    images = ImageSet(np.zeros((4, 3, 8, 8), np.uint8), np.array([0, 0, 1, 1]))
    recipe = Recipe(knn_k=1, knn_on="test", eval_crop=0.875)
    facts = Monitor(recipe, Data(images, images, ("a", "b")), None, report=None, stop=None).facts()
    assert facts["eval_crop"] == 0.875


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


def named(counts: list[int], prefix: str = "") -> ImageSet:
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 8, 8), np.uint8)
    names = tuple(f"{prefix}{number}.png" for number in range(len(labels)))
    return ImageSet(images, labels, names)


def numbers(part) -> set[int]:
    return set(part.images[part.places][:, 0, 0, 0].tolist())


def test_a_tenth_of_the_labelled_images_is_withheld_from_the_bank_by_name_alone():
    train = named([60, 60, 60])
    bank, validation = bank_and_validation(train)
    assert numbers(bank) | numbers(validation) == set(range(180))
    assert not numbers(bank) & numbers(validation)
    assert 5 <= len(validation) <= 35
    assert set(validation.labels.tolist()) == {0, 1, 2}
    order = np.random.default_rng(0).permutation(180)
    shuffled = ImageSet(train.images[order], train.labels[order], tuple(train.names[place] for place in order))
    assert numbers(bank_and_validation(shuffled)[1]) == numbers(validation), "whatever the order"
    fewer = ImageSet(train.images[1:], train.labels[1:], train.names[1:])
    assert len(numbers(bank_and_validation(fewer)[1]) ^ numbers(validation)) <= 1, (
        "one image fewer moves at most itself"
    )


def test_unlabelled_images_are_in_neither_part_and_without_labels_there_is_none():
    train = named([60, 60])
    labels = train.labels.copy()
    labels[::2] = -1
    bank, validation = bank_and_validation(ImageSet(train.images, labels, train.names))
    assert numbers(bank) | numbers(validation) == set(range(1, 120, 2))
    assert bank_and_validation(ImageSet(train.images, None)) == (None, None)


def test_the_monitor_asks_validation_images_and_never_the_test_images():
    data = Data(named([60, 60]), named([50, 50], "test"), ("a", "b"))
    facts = Monitor(Recipe(knn_k=5), data, None, report=None, stop=None).facts()
    assert facts["knn_on"] == "validation"
    assert facts["knn_bank"] + facts["knn_images"] == 120
    assert Monitor(Recipe(knn_k=5, knn_on="test"), data, None, report=None, stop=None).facts()["knn_images"] == 100
