"""Colours of runs: never shared, and legible on a dark and on a light ground."""

from __future__ import annotations

import itertools
import math

import pytest

from simclr_tui.display.colours import COLOURS, DARK_GROUND, LIGHT_GROUND, colours_of, contrast, legible, on_light


def test_contrast_is_that_of_the_guideline():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the guideline's own example
    assert contrast("#3b8eea", "#3b8eea") == 1


def test_forty_marked_runs_have_forty_colours_that_can_be_read_on_either_ground():
    found = list(colours_of([f"run{10 * number}" for number in range(40)]).values())
    assert len(set(found)) == 40
    assert {contrast(colour, DARK_GROUND) >= 4.5 for colour in (*found, *COLOURS)} == {True}
    light = [on_light()[colour] for colour in found]
    assert len(set(light)) == 40
    assert {contrast(colour, LIGHT_GROUND) >= 4.5 for colour in light} == {True}


def test_the_first_twelve_do_not_look_alike():
    shares = [
        [int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours_of(list("abcdefghijkl")).values()
    ]
    assert min(math.dist(*pair) for pair in itertools.combinations(shares, 2)) > 20


@pytest.mark.parametrize(
    ("colour", "ground"), [("#000000", DARK_GROUND), ("#ffffff", LIGHT_GROUND), ("#ffff00", "#ffffff")]
)
def test_a_colour_that_cannot_be_read_is_made_lighter_or_darker(colour, ground):
    assert contrast(legible(colour, ground), ground) >= 4.5
