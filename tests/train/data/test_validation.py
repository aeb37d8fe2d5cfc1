"""The validation images of a data set with groups: each group is whole on one side, by a hash of its name."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from simclr_tui.recipe.hold_out import held_out, withheld
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.data.inspect import inspect_data
from simclr_tui.train.data.open import open_data
from simclr_tui.train.data.sources.labels import to_groups
from simclr_tui.train.data.validation import bank_and_validation, describe_groups
from simclr_tui.train.observe.monitor import Monitor

GROUPS = tuple(f"patient{number // 5}" for number in range(1000))
NAMES = tuple(f"{number}.png" for number in range(1000))
LABELS = np.arange(1000) // 5 % 3  # a patient has one diagnosis


def image_set(labels: np.ndarray = LABELS, groups: tuple[str, ...] = GROUPS) -> ImageSet:
    return ImageSet(np.zeros((len(labels), 1, 2, 2), np.uint8), labels, NAMES[: len(labels)], groups=groups)


def in_lowest_tenth(key: str) -> bool:
    """The definition: the first 64 bits of the key's BLAKE2b, as a fraction, are below a tenth."""
    return int.from_bytes(hashlib.blake2b(f"validation/{key}".encode(), digest_size=8).digest(), "big") < 2**64 / 10


def test_the_validation_groups_are_those_that_hash_into_the_lowest_tenth():
    bank, validation = bank_and_validation(image_set())
    expected = [number for number in range(1000) if in_lowest_tenth(GROUPS[number])]
    assert validation.places.tolist() == expected
    assert len(expected) % 5 == 0
    assert sorted([*bank.places, *validation.places]) == list(range(1000))
    assert not {GROUPS[place] for place in bank.places} & {GROUPS[place] for place in validation.places}


def test_without_groups_the_images_are_those_of_before():
    names = [f"validation/{name}" for name in NAMES]
    expected = np.flatnonzero(held_out(names, LABELS.tolist())).tolist()
    for groups in ((), ("",) * 1000):
        assert bank_and_validation(image_set(groups=groups))[1].places.tolist() == expected
        assert describe_groups(NAMES, LABELS, groups) == ""


def test_an_image_without_a_group_goes_by_its_own_name():
    groups = tuple(group if place % 2 else "" for place, group in enumerate(GROUPS))
    _, validation = bank_and_validation(image_set(groups=groups))
    assert validation.places.tolist() == [n for n in range(1000) if in_lowest_tenth(groups[n] or NAMES[n])]


def test_groups_of_several_classes_are_whole_too_and_unlabelled_images_have_no_say():
    labels = np.arange(1000) % 4 - 1
    bank, validation = bank_and_validation(image_set(labels))
    assert not {GROUPS[place] for place in bank.places} & {GROUPS[place] for place in validation.places}
    assert sorted([*bank.places, *validation.places]) == np.flatnonzero(labels >= 0).tolist()
    assert set(bank.labels) == set(validation.labels) == {0, 1, 2}


@pytest.mark.parametrize("prefix", [f"scan{number}" for number in range(20)])
def test_the_only_group_of_a_class_stays_among_those_that_vote(prefix):
    labels = np.repeat([0, 1, 2], [50, 50, 10])
    groups = [f"{prefix}-{place // 10}" for place in range(100)] + [f"{prefix}-alone"] * 10
    apart = np.array(withheld([""] * 110, labels.tolist(), groups, purpose="validation"))
    assert not apart[labels == 2].any()
    assert all(0 < apart[labels == label].sum() < 50 for label in (0, 1))
    words = describe_groups([""] * 110, labels, groups)
    assert f"{len({groups[place] for place in np.flatnonzero(apart)})} of 11 groups, {apart.sum()} of 110" in words
    assert words.endswith("1 class has too few groups to withhold one")


def test_a_class_that_is_one_group_each_leaves_no_validation_images_and_says_so():
    data = Data(image_set(groups=tuple(f"plate{label}" for label in LABELS)), None, ("a", "b", "c"))
    assert bank_and_validation(data.train)[1] is None
    monitor = Monitor(Recipe(), data, None, report=None, stop=None)
    assert not monitor.labelled
    (warning,) = monitor.warnings()
    assert warning.startswith("kNN is not measured: no group can be withheld")
    assert Monitor(Recipe(knn_on="test"), data, None, report=None, stop=None).groups == ""


@pytest.mark.parametrize("given", [[None, "a"], [float("nan"), "a"], [-1, "a"], [-1.0, "a"], ["NA", " a "]])
def test_images_whose_group_is_unknown_are_no_group_together(given):
    assert to_groups(given) == ("", "a")
    assert to_groups([None, None]) == ()


def test_the_groups_of_a_table_reach_the_split_and_inspect_tells_of_them(tmp_path):
    rows = ["path,label,split,patient"]
    for number in range(120):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(tmp_path / f"{number}.png")
        side = "test" if number >= 100 else "train"
        rows.append(f"{number}.png,{'ab'[number // 5 % 2]},{side},p{number // 5}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    spec = f"csv:{tmp_path / 'table.csv'}"
    for subset in (0, 60):  # a second opening reads the cache
        data = open_data(spec, image_size=8, subset=subset, progress=lambda *_: None, cache=tmp_path / "cache")
        again = open_data(spec, image_size=8, subset=subset, progress=lambda *_: None, cache=tmp_path / "cache")
        assert data.train.groups == again.train.groups
        assert data.train.groups == tuple(f"p{int(name.partition('.')[0]) // 5}" for name in data.train.names)
        bank, validation = (
            {data.train.groups[place] for place in part.places} for part in bank_and_validation(data.train)
        )
        assert validation
        assert not bank & validation
    full = open_data(spec, image_size=8, subset=0, progress=lambda *_: None, cache=tmp_path / "cache").train
    sentence = describe_groups(full.names, full.labels, full.groups)
    assert " of 20 groups, " in sentence
    assert sentence in inspect_data(spec, Reading(), lambda *_: None).layout
