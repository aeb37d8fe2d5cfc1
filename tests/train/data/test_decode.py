from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from simclr_tui.recipe.image_headers import read_header
from simclr_tui.train.data.decode import decode

RED, GREEN = (250, 10, 10), (10, 200, 30)


def halves(size: tuple[int, int] = (16, 16)) -> Image.Image:
    """Red left half, green right half."""
    image = Image.new("RGB", size, RED)
    image.paste(GREEN, (size[0] // 2, 0, size[0], size[1]))
    return image


def saved(tmp_path, image: Image.Image, name: str, **options):
    file = tmp_path / name
    image.save(file, **options)
    return file


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.ppm", "a.tif", "a.webp"])
def test_lossless_formats_come_back_pixel_for_pixel(tmp_path, name):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    file = saved(tmp_path, Image.fromarray(pixels), name, **({"lossless": True} if "webp" in name else {}))
    assert np.array_equal(decode(file, 16), pixels.transpose(2, 0, 1))


def test_palette(tmp_path):
    file = saved(tmp_path, halves().quantize(4), "a.png")
    assert np.abs(decode(file, 16).astype(int) - np.asarray(halves()).transpose(2, 0, 1)).max() <= 2


def test_grayscale_fills_three_channels(tmp_path):
    out = decode(saved(tmp_path, Image.new("L", (4, 4), 77), "a.png"), 4)
    assert out.shape == (3, 4, 4)
    assert np.unique(out).tolist() == [77]


def test_one_bit(tmp_path):
    assert np.unique(decode(saved(tmp_path, Image.new("1", (4, 4), 1), "a.png"), 4)).tolist() == [255]


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    file = saved(tmp_path, Image.fromarray(np.full((4, 4), 0x8000, np.uint16)), "a.png")
    assert np.unique(decode(file, 4)).tolist() == [128]


def test_cmyk_jpeg(tmp_path):
    file = saved(tmp_path, Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "a.jpg", quality=100)
    out = decode(file, 16).astype(int).mean((1, 2))
    assert np.abs(out - [255, 0, 0]).max() <= 4


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_over_white(tmp_path, mode):
    clear = Image.new(mode, (4, 4), (0,) * len(mode))
    assert np.unique(decode(saved(tmp_path, clear, "a.png"), 4)).tolist() == [255]


def test_a_transparent_palette_colour_is_white(tmp_path):
    file = saved(tmp_path, Image.new("P", (4, 4), 0), "a.gif", transparency=0)
    assert np.unique(decode(file, 4)).tolist() == [255]


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side: the left edge belongs on top
    out = decode(saved(tmp_path, halves(), "a.jpg", quality=100, subsampling=0, exif=exif), 16).astype(int)
    assert np.abs(out[:, 2, 8] - RED).max() < 12
    assert np.abs(out[:, 13, 8] - GREEN).max() < 12


@pytest.mark.parametrize("size", [(40, 16), (16, 41)])
def test_the_central_square_is_kept_unscaled(tmp_path, size):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    top, left = (size[1] - 16) // 2, (size[0] - 16) // 2
    expected = pixels[top : top + 16, left : left + 16].transpose(2, 0, 1)
    file = saved(tmp_path, Image.fromarray(pixels), "a.png")
    assert np.array_equal(decode(file, 16), expected)
    assert read_header(file).side == 16


def test_shrinking_is_antialiased_bicubic(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    image = Image.fromarray(pixels)
    whole = image.resize((30, 20), Image.Resampling.BICUBIC)
    expected = np.asarray(whole.crop((5, 0, 25, 20))).transpose(2, 0, 1)
    assert np.array_equal(decode(saved(tmp_path, image, "a.png"), 20), expected)


def test_a_large_jpeg_is_decoded_near_what_full_decoding_gives(tmp_path):
    """The decoder's own reduction must not show: within a few grey levels of decoding all of it."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (100, 100, 3), np.uint8)).resize((800, 800), Image.Resampling.BICUBIC)
    file = saved(tmp_path, image, "a.jpg", quality=95)
    with Image.open(file) as full:
        expected = np.asarray(full.resize((100, 100), Image.Resampling.BICUBIC)).transpose(2, 0, 1).astype(int)
    assert np.abs(decode(file, 100).astype(int) - expected).max() <= 12


def test_one_pixel(tmp_path):
    file = saved(tmp_path, Image.new("RGB", (1, 1), RED), "a.png")
    assert decode(file, 4)[:, 2, 2].tolist() == list(RED)


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    file = saved(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:])
    assert np.abs(decode(file, 8)[:, 0, 0].astype(int) - RED).max() < 8


def test_postscript_is_never_run(tmp_path):
    """PIL would hand it to an interpreter, whatever the file is called."""
    buffer = io.BytesIO()
    halves().save(buffer, "EPS")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    with pytest.raises(OSError, match="cannot identify"):
        decode(tmp_path / "a.jpg", 8)
