"""Which images a protocol may learn from."""

from __future__ import annotations

import numpy as np
import pytest

from simclr_tui.errors import DataError
from simclr_tui.evaluate.splits import balanced_share, batches, batches_of, hold_out

BALANCED = np.random.default_rng(0).permutation(np.arange(5000) % 10)
UNEVEN = np.repeat([0, 1, 2, 3], [500, 100, 10, 1])


@pytest.mark.parametrize(("share", "each"), [(0.01, 5), (0.1, 50)])
def test_a_share_of_the_labels_has_the_same_number_of_every_class(share, each):
    chosen = balanced_share(BALANCED, share, seed=3)
    assert np.bincount(BALANCED[chosen]).tolist() == [each] * 10
    assert (np.diff(chosen) > 0).all()
    assert (balanced_share(BALANCED, share, seed=3) == chosen).all()
    assert len(np.intersect1d(chosen, balanced_share(BALANCED, share, seed=4))) < 0.5 * len(chosen)


def test_a_larger_share_contains_the_smaller_and_the_largest_is_all():
    one, ten = (balanced_share(BALANCED, share, seed=0) for share in (0.01, 0.1))
    assert np.isin(one, ten).all()
    assert balanced_share(BALANCED, 1.0, seed=0).tolist() == list(range(5000))


def test_a_share_takes_one_of_a_rare_class_and_never_more_than_there_are():
    assert np.bincount(UNEVEN[balanced_share(UNEVEN, 0.001, 0)]).tolist() == [1, 1, 1, 1]
    assert np.bincount(UNEVEN[balanced_share(UNEVEN, 0.1, 0)]).tolist() == [15, 15, 10, 1]


def test_a_tenth_of_every_class_is_held_out():
    fit, held = hold_out(UNEVEN, seed=1)
    assert np.bincount(UNEVEN[held], minlength=4).tolist() == [50, 10, 1, 0]
    assert sorted([*fit, *held]) == list(range(len(UNEVEN)))
    assert (hold_out(UNEVEN, seed=1)[1] == held).all()
    assert (hold_out(UNEVEN, seed=2)[1] != held).any()


def test_nothing_can_be_held_out_of_single_images():
    with pytest.raises(DataError, match="held out"):
        hold_out(np.arange(5), seed=0)


@pytest.mark.parametrize("seed", range(5))
def test_a_group_is_never_on_both_sides_of_the_search(seed):
    groups = [f"slide{place // 5}" for place in range(1000)]
    labels = np.arange(1000) // 5 % 4
    fit, held = hold_out(labels, seed, groups)
    assert sorted([*fit, *held]) == list(range(1000))
    assert not {groups[place] for place in fit} & {groups[place] for place in held}
    assert set(labels[held]) == set(labels[fit]) == {0, 1, 2, 3}
    assert 30 <= len(held) <= 200
    assert held.tolist() == hold_out(labels, seed, groups)[1].tolist()
    assert held.tolist() != hold_out(labels, seed + 1, groups)[1].tolist()
    ungrouped = hold_out(labels, seed)
    assert all((one == other).all() for one, other in zip(ungrouped, hold_out(labels, seed, [""] * 1000), strict=True))


def test_nothing_can_be_held_out_of_classes_of_one_group_each():
    with pytest.raises(DataError, match="too few groups"):
        hold_out(np.repeat([0, 1], 5), 0, ["a"] * 5 + ["b"] * 5)


def test_an_epoch_visits_each_sample_once_in_equal_batches_in_an_order_of_its_own():
    samples = np.arange(0, 2000, 2)
    epochs = [batches(samples, 256, seed=s, epoch=e) for s, e in ((0, 0), (0, 1), (1, 0), (0, 0))]
    orders = [np.concatenate(epoch).tolist() for epoch in epochs]
    assert [len(batch) for batch in epochs[0]] == [250] * 4
    assert batches_of(1000, 256) == 4
    assert all(sorted(order) == samples.tolist() for order in orders)
    assert orders[0] == orders[3]
    assert orders[0] not in orders[1:3]


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (256, [256]), (257, [129, 128]), (513, [171, 171, 171])])
def test_no_sample_is_left_out_of_an_epoch(count, sizes):
    assert [len(batch) for batch in batches(np.arange(count), 256, seed=0, epoch=0)] == sizes
