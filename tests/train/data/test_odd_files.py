"""Files that folders of images hold in real life: each is read truthfully, left out and named, or refused by name."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError
from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data import Data, open_data

SIDE = 20
PIXELS = np.random.default_rng(5).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
OTHER = Image.fromarray(PIXELS[::-1])


def encoded(image: np.ndarray | Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, form, **options)
    return file.getvalue()


def tiff(image: np.ndarray, **options) -> bytes:
    tifffile, file = pytest.importorskip("tifffile"), io.BytesIO()
    tifffile.imwrite(file, image, **options)
    return file.getvalue()


def opened(root: Path, **reading: str) -> Data:
    return open_data(
        f"folder:{root}", image_size=SIDE, subset=0, progress=lambda *_: None, cache=root.parent / "cache",
        reading=Reading(**reading),
    )  # fmt: skip


def palette() -> Image.Image:
    return Image.fromarray(PIXELS).quantize(64)


def over_white(index: int) -> np.ndarray:
    """Return the palette image with one of its colours replaced by white."""
    image = np.asarray(palette().convert("RGB")).copy()
    image[np.asarray(palette()) == index] = 255
    return image


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


FIRST = "animated, the first frame is read"
WHITE = "laid over white"
ODD: dict[str, tuple[str, Callable[[], bytes], Callable[[], np.ndarray], str]] = {
    "a palette with a transparent colour": (
        "png", lambda: encoded(palette(), "PNG", transparency=3), lambda: over_white(3), WHITE),
    "a GIF with a transparent colour": (
        "gif", lambda: encoded(palette(), "GIF", transparency=3), lambda: over_white(3), WHITE),
    "an animated GIF": (
        "gif", lambda: encoded(palette(), "GIF", save_all=True, append_images=[OTHER]),
        lambda: np.asarray(palette().convert("RGB")), FIRST),
    "an animated PNG": (
        "png", lambda: encoded(PIXELS, "PNG", save_all=True, append_images=[OTHER]), lambda: PIXELS, FIRST),
    "an animated WebP": (
        "webp", lambda: encoded(PIXELS, "WEBP", save_all=True, append_images=[OTHER], lossless=True),
        lambda: PIXELS, FIRST),
    "a JPEG called .png": (
        "png", lambda: encoded(PIXELS, "JPEG", quality=95),
        lambda: np.asarray(Image.open(io.BytesIO(encoded(PIXELS, "JPEG", quality=95)))), ""),
    "a CMYK JPEG": (
        "jpg", lambda: encoded(Image.fromarray(PIXELS).convert("CMYK"), "JPEG", quality=95),
        lambda: np.asarray(Image.open(io.BytesIO(encoded(Image.fromarray(PIXELS).convert("CMYK"), "JPEG", quality=95)))
                           .convert("RGB")), ""),
    "a PNG that EXIF turns": (
        "png", lambda: encoded(np.rot90(PIXELS), "PNG", exif=turned(6)), lambda: PIXELS, ""),
    "a TIFF of one bit": (
        "tif", lambda: encoded(PIXELS[..., 0] > 127, "TIFF"), lambda: (PIXELS[..., :1] > 127) * np.uint8(255), ""),
    "a TIFF of three pages": (
        "tif", lambda: tiff(np.moveaxis(PIXELS, -1, 0), photometric="minisblack"), lambda: PIXELS,
        "the 3 pages of 4 images"),
    "a name with an upper-case suffix": ("PNG", lambda: encoded(PIXELS, "PNG"), lambda: PIXELS, ""),
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_an_odd_file_is_read_truthfully_and_what_is_not_read_of_it_is_said(tmp_path, what):
    suffix, content, expected, note = ODD[what]
    (tmp_path / "images").mkdir()
    for number in range(4):
        (tmp_path / "images" / f"{number}.{suffix}").write_bytes(content())
    data = opened(tmp_path / "images")
    assert np.array_equal(data.train.images[0].transpose(1, 2, 0), expected())
    assert note in "; ".join(data.notes)
    assert bool(note) == bool(data.notes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_of_16_bits_is_turned_as_its_orientation_says(tmp_path, orientation):
    deep = np.arange(6 * 9, dtype=np.uint16).reshape(6, 9) * 100
    eight = np.arange(6 * 9, dtype=np.uint8).reshape(6, 9)
    (tmp_path / "images").mkdir()
    for number in range(2):
        tag = [(274, "H", 1, orientation, True)]
        (tmp_path / "images" / f"{number}.tif").write_bytes(tiff(deep, extratags=tag))
    reference = Image.open(io.BytesIO(tiff(eight, extratags=tag)))
    reference.load()  # Pillow turns it
    tiles = opened(tmp_path / "images", tile="6", range="0:5300")
    upright = np.asarray(reference)
    assert tiles.train.names == ("0.tif@0,0", "1.tif@0,0")
    assert np.array_equal(np.rint(tiles.train.images[0][0] / 65535 * 53), upright[:6, :6])


@pytest.mark.parametrize("form", ["8 bits", "16 bits"])
def test_a_tiff_whose_pages_go_in_a_circle_is_read_as_far_as_they_are_new(tmp_path, form):
    """The first page names a thumbnail as the next, and that names itself."""
    image = PIXELS[..., 0] if form == "8 bits" else PIXELS[..., 0].astype(np.uint16) * 257
    content = bytearray(encoded(image, "TIFF") if form == "8 bits" else tiff(image, metadata=None))
    start = int.from_bytes(content[4:8], "little")
    following = start + 2 + 12 * int.from_bytes(content[start : start + 2], "little")
    content[following : following + 4] = len(content).to_bytes(4, "little")
    content += struct.pack("<HHHIII", 1, 254, 4, 1, 1, len(content))
    (tmp_path / "images").mkdir()
    for number in range(2):
        (tmp_path / "images" / f"{number}.tif").write_bytes(content)
    data = opened(tmp_path / "images", range="auto" if form == "8 bits" else "0:65535")
    assert np.array_equal(data.train.images[0, 0], image)


def folder(root: Path) -> Path:
    for label in "ab":
        (root / "images" / label).mkdir(parents=True)
        for number in range(5):
            (root / "images" / label / f"{number}.png").write_bytes(encoded(PIXELS, "PNG"))
    return root / "images"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda file: file.symlink_to(file.name), "1 link to a file that is not there (a/x.png)"),
        (lambda file: file.symlink_to("/nowhere/x.png"), "1 link to a file that is not there (a/x.png)"),
        (os.mkfifo, "1 special file such as pipes (a/x.png)"),
        (lambda file: file.with_suffix("").symlink_to(file.parent), "1 link to a folder that was already read (a/x/)"),
    ],
    ids=["circle", "broken link", "pipe", "folder in a circle"],
)
def test_what_is_no_file_is_left_out_and_named(tmp_path, make, words):
    root = folder(tmp_path)
    make(root / "a" / "x.png")
    data = opened(root)
    assert len(data.train) + len(data.test) == 10
    assert data.left_out == (f"left out: {words}",)


@pytest.mark.parametrize("name", ["пример–図.png", "new\nline.png", os.fsdecode(b"bad\xff.png"), "esc\x1b[31m.png"])
def test_names_of_any_characters_are_read_and_told_safely(tmp_path, monkeypatch, name):
    root = folder(tmp_path)
    (root / "a" / name).write_bytes(encoded(PIXELS, "PNG"))
    assert f"a/{name}" in {*opened(root).train.names, *opened(root).test.names}
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    data = opened(root.rename(tmp_path / "moved"))
    assert np.array_equal(data.train.images[:], np.broadcast_to(PIXELS.transpose(2, 0, 1), data.train.images.shape))
    data.train.images.decoders.close()
    (tmp_path / "moved" / "a" / name).write_bytes(b"")
    with pytest.raises(DataError, match="1 of 11 images is damaged") as caught:
        opened(tmp_path / "moved")
    assert str(caught.value).isprintable()


def test_a_class_of_one_image_is_trained_on_and_one_folder_is_no_class(tmp_path):
    root = folder(tmp_path)
    (root / "c").mkdir()
    (root / "c" / "only.png").write_bytes(encoded(PIXELS, "PNG"))
    data = opened(root)
    assert data.classes == ("a", "b", "c")
    assert 2 in {*data.train.labels.tolist()}
    (tmp_path / "one" / "a").mkdir(parents=True)
    (tmp_path / "one" / "a" / "x.png").write_bytes(encoded(PIXELS, "PNG"))
    alone = opened(tmp_path / "one")
    assert (alone.classes, alone.test, len(alone.train)) == ((), None, 1)
    with pytest.raises(DataError, match="has 1 class folder"):
        opened(tmp_path / "one", labels="folder")
