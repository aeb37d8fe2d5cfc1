"""Pixels as characters: every colour in its place, and a smaller picture is the mean of the larger."""

from __future__ import annotations

import numpy as np
import pytest
from rich.style import Style

from simclr_tui.display.halfblocks import beside, draw, fit
from simclr_tui.store.picture import Picture


def picture(pixels: np.ndarray) -> Picture:
    height, width, _ = pixels.shape
    return Picture(width, height, pixels.astype(np.uint8).tobytes())


def drawn_pixels(lines, height: int) -> np.ndarray:
    """Read the drawing back as a terminal would show it."""
    rows = []
    for line in lines:
        styles = [Style.parse(style) for _, style in line]
        rows.append([style.color.triplet for style in styles])
        if len(rows) < height:
            rows.append([style.bgcolor.triplet for style in styles])
    return np.array(rows)


@pytest.mark.parametrize("shape", [(2, 2), (4, 3), (5, 4), (1, 1)])
def test_every_pixel_is_found_where_it_was(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3))
    lines = draw(picture(pixels))
    assert len(lines) == (shape[0] + 1) // 2
    assert {char for line in lines for char, _ in line} == {"▀"}
    np.testing.assert_array_equal(drawn_pixels(lines, shape[0]), pixels)


def test_below_an_odd_height_the_terminals_background_stays():
    (line,) = draw(picture(np.full((1, 1, 3), 255)))
    assert line == [("▀", "#ffffff")]


def test_without_colour_lightness_is_drawn():
    ramp = np.repeat(np.arange(0, 256, 63)[None, :, None], 2, axis=0).repeat(3, axis=2)
    (line,) = draw(picture(ramp), colour=False)
    assert line == [(shade, "") for shade in " ░▒▓█"]


@pytest.mark.parametrize(("side", "width"), [(8, 4), (9, 3), (224, 32)])
def test_a_smaller_picture_is_made_of_means(side, width):
    pixels = np.random.default_rng(1).integers(0, 256, (side, side, 3))
    small = fit(picture(pixels), width)
    assert (small.width, small.height) == (width, width)
    step = side // width
    means = pixels.reshape(width, step, width, step, 3).mean(axis=(1, 3))
    found = np.frombuffer(small.rgb, np.uint8).reshape(width, width, 3)
    assert np.abs(found - means).max() <= 0.5


def test_an_uneven_cut_uses_every_pixel_and_keeps_the_aspect():
    small = fit(picture(np.full((20, 31, 3), 77)), 7)
    assert (small.width, small.height) == (7, 5)
    assert set(small.rgb) == {77}


def test_a_picture_is_never_enlarged():
    tiny = picture(np.zeros((3, 3, 3)))
    assert fit(tiny, 100) is tiny


def test_drawings_stand_side_by_side():
    tall, low = draw(picture(np.zeros((4, 2, 3)))), draw(picture(np.full((2, 3, 3), 255)))
    joined = beside([tall, low], gap=1)
    assert [len(line) for line in joined] == [6, 6]
    assert joined[0] == [*tall[0], (" ", ""), *low[0]]
    assert joined[1] == [*tall[1], (" ", ""), *[(" ", "")] * 3]
