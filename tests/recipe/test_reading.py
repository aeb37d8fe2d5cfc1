"""What of the flags that say how images are read makes no sense is refused in a sentence."""

from __future__ import annotations

import pytest

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.reading import Reading


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading("5:1"), "--range 5:1 is empty — give the lower end first, as in --range 0:4095"),
        (Reading("1:1"), "--range 1:1 is empty"),
        (Reading("p60:p40"), "--range p60:p40 is empty"),
        (Reading("p1:p101"), "--range p1:p101: percentiles run from p0 to p100 — give --range p0.5:p99.5"),
        (Reading("p-1:p99"), "percentiles run from p0 to p100"),
        (Reading(channels="2,2"), "--channels 2,2 names a channel twice — name each channel once"),
    ],
)
def test_a_range_or_channels_without_sense_are_refused(reading, words):
    with pytest.raises(RecipeError, match=words):
        reading.check()


@pytest.mark.parametrize("reading", [Reading("1:5"), Reading("-5e-1:.5"), Reading("p0:p100"), Reading(channels="2,1")])
def test_others_are_taken(reading):
    assert reading.check() is reading
