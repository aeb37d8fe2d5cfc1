from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simclr_tui.train.rng import bits64, epoch_order, philox4x32, uniforms


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_known_answers(counter, key, expected):
    words = philox4x32(tuple(np.array([c], np.uint64) for c in counter), key)
    assert tuple(int(w[0]) for w in words) == expected


def test_a_draw_does_not_depend_on_its_batch_or_on_how_many_are_asked_for():
    samples = np.array([7, 123_456, 0, 2**40 + 3])
    together = uniforms(3, 1, 5, samples, 1, 32)
    for i, sample in enumerate(samples):
        np.testing.assert_array_equal(uniforms(3, 1, 5, np.array([sample]), 1, 9)[0], together[i, :9])
    np.testing.assert_array_equal(uniforms(3, 1, 5, samples[::-1], 1, 32)[::-1], together)


@pytest.mark.parametrize("other", [(4, 1, 5, 1), (3, 2, 5, 1), (3, 1, 6, 1), (3, 1, 5, 0)])
def test_seed_stream_epoch_and_view_each_change_every_draw(other):
    samples = np.arange(50)
    seed, stream, epoch, view = other
    assert not np.any(bits64(3, 1, 5, samples, 1, 8) == bits64(seed, stream, epoch, samples, view, 8))


def test_samples_that_differ_only_above_32_bits_draw_differently():
    low, high = uniforms(0, 1, 0, np.array([5, 5 + 2**32]), 0, 4)
    assert not np.any(low == high)


def test_uniforms_are_uniform_in_every_column_and_uncorrelated():
    u = uniforms(2**32 - 1, 1, 0, np.arange(20_000), 0, 8)
    assert u.dtype == np.float64
    assert u.min() >= 0.0
    assert u.max() < 1.0
    assert all(stats.kstest(column, "uniform").pvalue > 1e-4 for column in u.T)
    assert np.abs(np.corrcoef(u.T) - np.eye(8)).max() < 0.03


def test_epoch_order_is_a_permutation_that_changes_with_seed_and_epoch():
    first = epoch_order(0, 0, 1000)
    np.testing.assert_array_equal(np.sort(first), np.arange(1000))
    np.testing.assert_array_equal(first, epoch_order(0, 0, 1000))
    for other in (epoch_order(0, 1, 1000), epoch_order(1, 0, 1000)):
        assert (first == other).mean() < 0.02
    assert abs(stats.spearmanr(first, np.arange(1000)).statistic) < 0.15


def test_every_place_of_a_short_order_is_reached_equally_often():
    first = np.array([epoch_order(0, epoch, 5)[0] for epoch in range(2000)])
    assert stats.chisquare(np.bincount(first, minlength=5)).pvalue > 1e-4
