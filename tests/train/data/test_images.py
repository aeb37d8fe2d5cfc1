from __future__ import annotations

import itertools

import numpy as np

from simclr_tui.train.data.images import draw, hold_out


def labels_of(*counts: int) -> np.ndarray:
    return np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))


def test_a_draw_is_balanced_to_one_image():
    labels = labels_of(500, 300, 400)
    drawn = np.bincount(labels[draw(labels, 100)])
    assert sorted(drawn) == [33, 33, 34]


def test_a_class_that_runs_out_leaves_its_share_to_the_others():
    labels = labels_of(500, 5, 400)
    assert np.bincount(labels[draw(labels, 100)]).tolist() == [48, 5, 47]


def test_a_draw_is_sorted_unique_and_the_same_each_time():
    labels = labels_of(50, 50)
    drawn = draw(labels, 31)
    assert np.all(np.diff(drawn) > 0)
    assert np.array_equal(drawn, draw(labels, 31))


def test_smaller_draws_are_contained_in_larger_ones():
    labels = labels_of(70, 40, 90)
    sets = [set(draw(labels, count).tolist()) for count in (1, 10, 57, 199)]
    assert all(small < large for small, large in itertools.pairwise(sets))


def test_a_draw_is_not_the_first_images():
    labels = np.repeat(np.arange(2), 100)
    assert draw(labels, 20).max() > 120
    assert not np.array_equal(draw(labels, 20)[:10], np.arange(10))


def test_zero_or_too_many_is_everything():
    labels = labels_of(4, 3)
    assert draw(labels, 0).tolist() == draw(labels, 7).tolist() == draw(labels, 99).tolist() == list(range(7))


def test_unlabelled_images_are_drawn_as_one_class_more():
    labels = np.r_[labels_of(50, 50), np.full(900, -1)]
    assert np.bincount(labels[draw(labels, 60)] + 1).tolist() == [20, 20, 20]


def test_hold_out_takes_its_quota_from_each_class():
    labels = labels_of(100, 37)
    mask = hold_out(labels, {0: 10, 1: 3})
    assert np.bincount(labels[mask]).tolist() == [10, 3]
    assert np.array_equal(mask, hold_out(labels, {0: 10, 1: 3}))
