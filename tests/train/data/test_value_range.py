"""The range of values where some of them mean that there is none."""

from __future__ import annotations

import numpy as np
import pytest

from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data import open_data
from simclr_tui.train.data.images import Data

SIDE = 32


def opened(folder, images: np.ndarray, **reading: str) -> Data:
    np.save(folder / "d.npy", images)
    return open_data(
        f"npy:{folder / 'd.npy'}", image_size=SIDE, subset=0, progress=lambda *_: None, cache=folder / "cache",
        reading=Reading(**reading),
    )  # fmt: skip


def heights(kind: str, low: float, high: float) -> np.ndarray:
    """Return images that are a slope from the lowest to the highest value, in each another way round."""
    slope = np.linspace(low, high, SIDE * SIDE).reshape(SIDE, SIDE)
    return np.stack([slope, slope.T, slope[::-1], slope[:, ::-1]]).astype(kind)


@pytest.mark.parametrize(
    ("kind", "low", "high", "fill"),
    [("float32", 0, 1, -9999), ("float64", 200, 900, -3.4e38), ("uint16", 0, 4000, 65535), ("int16", 0, 900, -32768)],
)
def test_a_value_that_marks_missing_pixels_does_not_hide_the_others(tmp_path, kind, low, high, fill):
    images = heights(kind, low, high)
    images[:, :4] = fill  # an eighth
    data = opened(tmp_path, images)
    top = np.iinfo(data.train.images.dtype).max
    given = np.asarray(data.train.images)[:, 0]
    kept = images != images.dtype.type(fill)
    true = (images[kept] - images[kept].min()) / (images[kept].max() - images[kept].min()) * top
    assert np.abs(given[kept] - true).max() <= 0.51
    assert set(given[~kept]) == {0 if fill < low else top}
    assert f"but for {float(images.dtype.type(fill)):g}, far from all others" in data.range_reason
    assert [warning.partition(" of the values are ")[0] for warning in data.warnings] == ["12.5%"]


def test_of_several_channels_each_has_its_own_missing_value(tmp_path):
    images = np.stack([heights("float32", 0, 1), heights("float32", 0, 1), heights("float32", 10, 20)], -1)
    images[:, :4, :, 0], images[:, :4, :, 1] = -9999, 1e20
    data = opened(tmp_path, images)
    assert "but for -9999, 1e+20, far from" in data.range_reason
    assert np.allclose(data.scaling.high[2], 20)
    assert np.asarray(data.train.images)[:, 0].max() == np.asarray(data.train.images)[:, 0, 4:].max() == 65535


def test_a_hot_pixel_in_one_channel_does_not_hide_it_whatever_the_others_hold(tmp_path):
    others = {"nothing": np.zeros((4, SIDE, SIDE), "uint16"), "a fill": heights("uint16", 0, 4000)}
    others["a fill"][:, :4] = 65535
    for what, other in others.items():
        images = np.stack([other, heights("uint16", 100, 200)], -1)
        images[2, 5, 5, 1] = 65535
        (tmp_path / what).mkdir()
        data = opened(tmp_path / what, images)
        assert data.scaling.high[1] < 1000, what
        assert data.range_reason.endswith("; the middle 99.9 % in channel 2: few lie far outside")


@pytest.mark.parametrize("images", [heights("int16", -1024, 3000), np.maximum(heights("uint16", 0, 4000), 1000)])
def test_air_around_a_body_or_many_dark_pixels_are_not_missing(tmp_path, images):
    images[:, :4] = images.min()
    data = opened(tmp_path, images)
    assert data.range_reason == "lowest and highest value of 4 images"
    assert data.warnings == ()


def test_a_given_range_is_that_of_all_values(tmp_path):
    images = heights("float32", 0, 1)
    images[:, :4] = -9999
    assert opened(tmp_path, images, range="-9999:1").range_reason == "as --range says"


def test_values_that_come_to_few_levels_are_warned_of_whatever_the_file_holds(tmp_path):
    images = heights("float32", 0, 1)
    images[:, :4], images[:, 4:8] = -9999, 9999  # no single value far from all others
    (warning,) = opened(tmp_path, images).warnings
    assert warning.endswith("levels only: give --range LO:HI of what matters in them")


def test_an_image_of_one_value_is_black_where_each_image_has_its_own_range(tmp_path):
    images = heights("uint16", 0, 4000)
    images[1] = 7
    pixels = np.asarray(opened(tmp_path, images, range="image").train.images)
    assert not pixels[1].any()
    assert (pixels[0].min(), pixels[0].max()) == (0, 65535)


@pytest.mark.parametrize(("levels", "warned"), [(31, True), (32, False)])
def test_fewer_than_32_levels_are_warned_of(tmp_path, levels, warned):
    images = np.arange(4 * SIDE * SIDE).reshape(4, SIDE, SIDE) % levels * 100
    said = opened(tmp_path, images.astype("uint16")).warnings
    assert said == ((f"the values have {levels} levels only: the views will show little",) if warned else ())


@pytest.mark.parametrize(("outside", "warned"), [(40, False), (41, True)])
def test_more_than_a_hundredth_of_the_values_outside_the_range_is_warned_of(tmp_path, outside, warned):
    images = heights("uint16", 0, 4000)
    images.reshape(-1)[:outside] = 9000  # of 4096
    said = opened(tmp_path, images, range="0:4000").warnings
    clipped = "1.0% of the values lie outside the range and are clipped: give a wider --range"
    assert said == ((clipped,) if warned else ())
