"""A look at data in a process of its own: what it finds, why it finds nothing, and that it can be cancelled."""

from __future__ import annotations

import numpy as np
import pytest

from simclr_tui.errors import CancelledError, DataError
from simclr_tui.launch.cancel import Cancel
from simclr_tui.launch.data_look import can_be_looked_at, look_at_data
from simclr_tui.recipe.reading import AS_0_1, Reading


@pytest.fixture
def arrays(tmp_path) -> str:
    images = np.arange(20 * 36, dtype=np.uint16).reshape(20, 6, 6) + 100
    np.savez(tmp_path / "d.npz", images=images, labels=np.arange(20) % 2)
    return f"npz:{tmp_path / 'd.npz'}"


def test_a_look_finds_values_and_splits_or_says_why_it_cannot(arrays):
    found = look_at_data(arrays, Reading(), Cancel())
    assert (found.images + found.test_images, found.held_out, set(found.classes)) == (20, True, {"0", "1"})
    assert found.channels[0].low >= 100
    with pytest.raises(DataError, match=r"none\.npz does not exist or is not a file — give --data npz:FILE"):
        look_at_data(arrays.replace("d.npz", "none.npz"), Reading(), Cancel())


def test_a_look_that_is_cancelled_ends(arrays):
    cancel = Cancel()
    cancel()
    with pytest.raises(CancelledError):
        look_at_data(arrays, Reading(), cancel)


@pytest.mark.parametrize(
    ("data", "reading", "unasked"),
    [
        ("csv:a.csv", Reading(), True), ("folder:x", Reading(), True), ("shapes", Reading(), False),
        ("hf:name", Reading(), False), ("py:mine.py:load", Reading(), False),
        ("folder:x", Reading(split=AS_0_1), False), ("folder:x", Reading(range=AS_0_1), False),
    ],
)  # fmt: skip
def test_a_form_neither_executes_nor_downloads_anything_unasked(data, reading, unasked):
    assert can_be_looked_at(data, reading) == unasked
