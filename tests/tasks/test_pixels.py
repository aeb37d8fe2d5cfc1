"""Images of any number of channels and either depth as pictures."""

from __future__ import annotations

import numpy as np
import pytest

from simclr_tui.tasks.pixels import channels_note, to_picture, to_rgb


def image(channels: int, dtype: type = np.uint8) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, top, (channels, 4, 6), dtype, endpoint=True)


def test_rgb_is_drawn_as_it_is():
    pixels = image(3)
    assert np.array_equal(to_rgb(pixels), pixels.transpose(1, 2, 0))
    assert channels_note(3) == ""


@pytest.mark.parametrize("channels", [1, 2, 4, 13])
def test_other_channels_are_drawn_and_named(channels):
    pixels = image(channels)
    drawn = to_rgb(pixels)
    assert drawn.shape == (4, 6, 3)
    assert np.array_equal(drawn[..., 0], pixels[0])
    if channels == 1:
        assert np.array_equal(drawn[..., 0], drawn[..., 2])
        assert "grey" in channels_note(1)
    else:
        assert np.array_equal(drawn[..., 1], pixels[1])
        assert str(channels) in channels_note(channels)
        assert (drawn[..., 2] == (pixels[2] if channels > 2 else 0)).all()


def test_sixteen_bits_are_rounded_to_the_nearest_of_256_levels():
    pixels = image(3, np.uint16)
    assert np.array_equal(to_rgb(pixels), np.rint(pixels.transpose(1, 2, 0) / 257).astype(np.uint8))
    picture = to_picture(pixels)
    assert (picture.width, picture.height, len(picture.rgb)) == (6, 4, 72)
