"""Images of every kind, each read to within half a level of numpy's own reading, or refused in a sentence."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError
from simclr_tui.recipe.for_channels import for_channels
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data import Data, open_data
from simclr_tui.train.data.inspect import inspect_data
from simclr_tui.train.data.pixels import levels_of

SIDE = 24
RNG = np.random.default_rng(16)


def quiet(what: str, done: int, total: int) -> None: ...


def opened(root: Path, **reading: str) -> Data:
    return open_data(
        f"folder:{root}",
        image_size=SIDE,
        subset=0,
        progress=quiet,
        cache=root.parent / "cache",
        reading=Reading(**reading),
    )


def texture(low: float, high: float, dtype: str, channels: int = 1) -> np.ndarray:
    """Four images (4, SIDE, SIDE, C) that take all values between `low` and `high`, both included."""
    values = RNG.uniform(low, high, (4, SIDE, SIDE, channels))
    values[:, 0, 0], values[:, -1, -1] = low, high
    return values.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(values).astype(dtype)


def tiff(**options: Any) -> Callable[[Path, np.ndarray], None]:
    def save(file: Path, image: np.ndarray) -> None:
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(file, image[..., 0] if image.shape[-1] == 1 else image, **options)

    return save


def white_is_lowest(file: Path, image: np.ndarray) -> None:
    turned = -image if image.dtype.kind == "f" else ~image
    tiff(photometric="miniswhite")(file, turned)


def shuffled_palette(file: Path, image: np.ndarray) -> None:
    """Stores which of 65,536 colours each pixel has, one colour for each of them."""
    tifffile = pytest.importorskip("tifffile")
    colours = np.zeros((3, 1 << 16), np.uint16)
    colours[:, : image[..., 0].size] = image.reshape(-1, 3).T
    places = np.arange(image[..., 0].size, dtype=np.uint16).reshape(image.shape[:2])
    tifffile.imwrite(file, places, photometric="palette", colormap=colours)


def cmyk(file: Path, image: np.ndarray) -> None:
    """Stores RGB without any black."""
    ink = np.concatenate([~image, np.zeros_like(image[..., :1])], axis=-1)
    tiff(photometric="separated")(file, ink)


def fortran(file: Path, image: np.ndarray) -> None:
    np.save(file, np.asfortranarray(image))


def bands_first(file: Path, image: np.ndarray) -> None:
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(file, np.moveaxis(image, -1, 0), photometric="minisblack", planarconfig="separate")


def pages(file: Path, image: np.ndarray) -> None:
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffWriter(file) as writer:
        for plane in np.moveaxis(image, -1, 0):
            writer.write(plane, photometric="minisblack", metadata=None)


def pil(file: Path, image: np.ndarray) -> None:
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file)


def png16(file: Path, image: np.ndarray) -> None:
    file.write_bytes(pytest.importorskip("imagecodecs").png_encode(image))


def jp2(file: Path, image: np.ndarray) -> None:
    file.write_bytes(pytest.importorskip("imagecodecs").jpeg2k_encode(image.squeeze(), level=0, reversible=True))


def avif(file: Path, image: np.ndarray) -> None:
    codecs = pytest.importorskip("imagecodecs")
    file.write_bytes(codecs.avif_encode(image, level=100, bitspersample=10, pixelformat="444"))


def heic(file: Path, image: np.ndarray) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.from_bytes("RGB", image.shape[1::-1], image.tobytes()).save(
        file, quality=-1, chroma=444, matrix_coefficients=0
    )


def netpbm(top: int, plain: bool = False) -> Callable[[Path, np.ndarray], None]:
    def save(file: Path, image: np.ndarray) -> None:
        magic = {(1, False): "P5", (3, False): "P6", (1, True): "P2", (3, True): "P3"}[image.shape[-1], plain]
        head = f"{magic}\n# by a test\n{image.shape[1]} {image.shape[0]}\n{top}\n".encode()
        data = (
            " ".join(map(str, image.ravel())).encode()
            if plain
            else image.astype(">u2" if top > 255 else "u1").tobytes()
        )
        file.write_bytes(head + data)

    return save


def npy(file: Path, image: np.ndarray) -> None:
    np.save(file, image[..., 0] if image.shape[-1] == 1 else image)


def dicom(
    slope: float = 1.0, intercept: float = 0.0, meaning: str = "MONOCHROME2"
) -> Callable[[Path, np.ndarray], None]:
    """Stores (value − intercept) / slope in 16 bits, as a scanner does."""

    def save(file: Path, image: np.ndarray) -> None:
        pydicom = pytest.importorskip("pydicom")
        stored = np.rint((image[..., 0].astype(float) - intercept) / slope)
        signed = bool(stored.min() < 0)
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
        data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
        data.SOPClassUID, data.SOPInstanceUID = data.file_meta.MediaStorageSOPClassUID, "1.2.3"
        data.Rows, data.Columns = image.shape[:2]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, meaning
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12 if not signed else 16, 11 if not signed else 15
        data.PixelRepresentation = int(signed)
        if (slope, intercept) != (1.0, 0.0):
            data.RescaleSlope, data.RescaleIntercept = slope, intercept
        data.PixelData = stored.astype("<i2" if signed else "<u2").tobytes()
        data.save_as(file, enforce_file_format=True)

    return save


# what it is · the file's suffix · how it is written · the values, four images (4, H, W, C)
KINDS: dict[str, tuple[str, Callable[[Path, np.ndarray], None], np.ndarray]] = {
    "8-bit grey PNG": (".png", pil, texture(0, 255, "uint8")),
    "8-bit RGB PNG": (".png", pil, texture(0, 255, "uint8", 3)),
    "8-bit RGB BMP": (".bmp", pil, texture(0, 255, "uint8", 3)),
    "12 bits in 16, PNG": (".png", pil, texture(0, 4095, "uint16")),
    "12 bits in 16, TIFF": (".tif", tiff(), texture(0, 4095, "uint16")),
    "16 bits, TIFF": (".tif", tiff(), texture(0, 65535, "uint16")),
    "16 bits, big-endian TIFF": (".tif", tiff(byteorder=">"), texture(0, 65535, "uint16")),
    "16 bits, BigTIFF": (".tif", tiff(bigtiff=True), texture(0, 65535, "uint16")),
    "16 bits, deflated and tiled TIFF": (".tif", tiff(compression="zlib", tile=(16, 16)), texture(0, 65535, "uint16")),
    "16 bits, LZW": (".tif", tiff(compression="lzw"), texture(0, 65535, "uint16")),
    "8-bit RGB, LZW": (".tif", tiff(compression="lzw", photometric="rgb"), texture(0, 255, "uint8", 3)),
    "8-bit RGB, zstd": (".tif", tiff(compression="zstd", photometric="rgb"), texture(0, 255, "uint8", 3)),
    "16-bit RGB, plane by plane": (".tif", bands_first, texture(0, 65535, "uint16", 3)),
    "white is lowest, 16 bits": (".tif", white_is_lowest, texture(0, 65535, "uint16")),
    "white is lowest, float": (".tif", white_is_lowest, texture(0, 1, "float32")),
    "a palette of 16 bits": (".tif", shuffled_palette, texture(0, 65535, "uint16", 3)),
    "CMYK of 16 bits": (".tif", cmyk, texture(0, 65535, "uint16", 3)),
    "RGBA of floats": (".tif", tiff(photometric="rgb", extrasamples=["unassalpha"]), texture(0, 1, "float32", 4)),
    "dim fluorescence, 100 to 250 counts in 16 bits": (".tif", tiff(), texture(100, 250, "uint16")),
    "uint16 that holds 0 to 255": (".tif", tiff(), texture(0, 255, "uint16")),
    "int32 that holds 0 to 255": (".tif", tiff(), texture(0, 255, "int32")),
    "signed 16 bits, -1000 to 3000": (".tif", tiff(), texture(-1000, 3000, "int16")),
    "signed 8 bits": (".tif", tiff(), texture(-128, 127, "int8")),
    "float, 0 to 1": (".tif", tiff(), texture(0, 1, "float32")),
    "float counts": (".tif", tiff(), texture(0, 20_000, "float32")),
    "half floats": (".tif", tiff(), texture(0, 1, "float16")),
    "doubles": (".tif", tiff(), texture(-1e-3, 1e-3, "float64")),
    "4 bands": (".tif", tiff(photometric="rgb", extrasamples=["unspecified"]), texture(0, 4000, "uint16", 4)),
    "4 bands, the fourth tagged alpha": (".tif", tiff(photometric="rgb", extrasamples=["unassalpha"]), texture(0, 255, "uint8", 4)),  # noqa: E501
    "2 bands": (".tif", bands_first, texture(0, 65535, "uint16", 2)),
    "13 bands": (".tif", bands_first, texture(0, 10_000, "uint16", 13)),
    "5 pages": (".tif", pages, texture(0, 4095, "uint16", 5)),
    "16-bit RGB PNG": (".png", png16, texture(0, 65535, "uint16", 3)),
    "16-bit RGB TIFF": (".tif", tiff(photometric="rgb"), texture(0, 65535, "uint16", 3)),
    "12-bit PGM": (".pgm", netpbm(4095), texture(0, 4095, "uint16")),
    "16-bit PPM": (".ppm", netpbm(65535), texture(0, 65535, "uint16", 3)),
    "PGM of numbers, 10 bits": (".pgm", netpbm(1023, plain=True), texture(0, 1023, "uint16")),
    "JPEG 2000, 12 bits": (".jp2", jp2, texture(0, 4095, "uint16")),
    "JPEG 2000, signed, 12 bits": (".jp2", jp2, texture(-2048, 2047, "int16")),
    "JPEG 2000, signed, 8 bits": (".j2k", jp2, texture(-128, 127, "int8")),
    "JPEG 2000, 8 bits, RGB": (".jp2", jp2, texture(0, 255, "uint8", 3)),
    "HEIC, lossless": (".heic", heic, texture(0, 255, "uint8", 3)),
    "an array a file": (".npy", npy, texture(-5, 5, "float32")),
    "an array of 5 channels a file": (".npy", npy, texture(0, 60_000, "uint16", 5)),
    "an array in Fortran's order": (".npy", fortran, texture(0, 60_000, "uint16", 3)),
    "an array of more channels than rows": (".npy", npy, texture(0, 60_000, "uint16", SIDE + 6)),
    "booleans": (".npy", npy, texture(0, 1, "float32") > 0.5),
    "DICOM, 12 bits": (".dcm", dicom(), texture(0, 4095, "uint16")),
    "DICOM, Hounsfield units": (".dcm", dicom(1, -1024), texture(-1024, 3071, "int16")),
    "DICOM, a slope that is no whole number": (".dcm", dicom(0.5, -10), texture(-10, 2000, "float32").round() ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_to_within_half_a_level(tmp_path, kind):
    suffix, save, images = KINDS[kind]
    (tmp_path / "images").mkdir()
    for number, image in enumerate(images):
        save(tmp_path / "images" / f"{number}{suffix}", image)
    data = opened(tmp_path / "images")
    wanted = np.moveaxis(images, -1, 1).astype(np.float64)
    stored = data.train.images.astype(np.float64)
    assert stored.shape == wanted.shape
    assert data.train.images.dtype in (np.uint8, np.uint16)
    if np.dtype(images.dtype) == np.uint8:
        assert np.array_equal(stored, wanted)
        return
    low, high = (wanted.min(axis=(0, 2, 3)), wanted.max(axis=(0, 2, 3)))
    span = (high - low)[:, None, None]
    back = low[:, None, None] + stored * span / levels_of(data.train.images.dtype)
    assert np.all(np.abs(back - wanted) <= span / levels_of(data.train.images.dtype) / 2 * 1.02)
    if images.dtype.kind in "iu":  # no two levels of the file fall together
        assert len(np.unique(data.train.images[:, 0])) == len(np.unique(images[..., 0]))


def test_inverted_dicom_is_turned_round(tmp_path):
    (tmp_path / "images").mkdir()
    images = texture(0, 4095, "uint16")
    for number, image in enumerate(images):
        dicom(meaning="MONOCHROME1")(tmp_path / "images" / f"{number}.dcm", image)
    stored = opened(tmp_path / "images").train.images[:, 0].astype(float)
    assert np.abs(stored / 65535 * 4095 - (4095 - images[..., 0].astype(float))).max() <= 0.5


def test_10_bit_avif_keeps_its_depth(tmp_path):
    (tmp_path / "images").mkdir()
    ramp = np.broadcast_to(np.arange(1024, dtype=np.uint16).reshape(32, 32, 1), (32, 32, 3))
    for number in range(2):
        avif(tmp_path / "images" / f"{number}.avif", np.ascontiguousarray(ramp))
    data = opened(tmp_path / "images")
    assert data.train.images.dtype == np.uint16
    assert len(np.unique(data.train.images[0, 1])) > 256  # as many as 8 bits have
    assert np.abs(data.train.images[0, 1].astype(float) / 65535 * 1023 - ramp[..., 1]).max() < 24  # it is lossy


@pytest.mark.parametrize(("bits", "codec"), [(12, "jpeg8"), (16, "ljpeg")])
def test_a_jpeg_of_more_than_8_bits_keeps_its_levels(tmp_path, bits, codec):
    codecs = pytest.importorskip("imagecodecs")
    (tmp_path / "images").mkdir()
    ramp = np.linspace(0, (1 << bits) - 1, 64 * 64).astype(np.uint16).reshape(64, 64)
    for number in range(2):
        options = {"level": 98} if codec == "jpeg8" else {}
        content = getattr(codecs, f"{codec}_encode")(ramp, bitspersample=bits, **options)
        (tmp_path / "images" / f"{number}.jpg").write_bytes(content)
    data = opened(tmp_path / "images")
    assert data.train.images.dtype == np.uint16
    assert len(np.unique(data.train.images)) > 1000
    assert np.abs(data.train.images[0, 0] / 65535 - ramp / ((1 << bits) - 1)).max() < 0.01


def test_16_bits_of_grey_with_opacity_are_laid_over_white_and_said(tmp_path):
    (tmp_path / "images").mkdir()
    grey = texture(0, 65535, "uint16")
    for number, image in enumerate(grey):
        png16(tmp_path / "images" / f"{number}.png", np.concatenate([image, np.full_like(image, 65535)], axis=-1))
    data = opened(tmp_path / "images")
    assert np.array_equal(data.train.images, np.moveaxis(grey, -1, 1))
    assert any("laid over white; --channels 2 keeps it" in note for note in data.notes)


def test_overviews_and_masks_in_the_file_of_a_map_are_passed_over(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    images = texture(0, 255, "uint8", 3)
    (tmp_path / "images").mkdir()
    for number, image in enumerate(images):
        with tifffile.TiffWriter(tmp_path / "images" / f"{number}.tif") as file:
            file.write(image, photometric="rgb", metadata=None)
            file.write(image[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
            for mask in (image[..., 0] > 9, image[::2, ::2, 0] > 9):
                file.write(mask, subfiletype=4 if mask.shape == image.shape[:2] else 5, metadata=None)
    data = opened(tmp_path / "images")
    assert np.array_equal(data.train.images, np.moveaxis(images, -1, 1))


def test_pages_of_one_bit_are_black_and_white(tmp_path):
    (tmp_path / "images").mkdir()
    masks = texture(0, 1, "uint8", 2).astype(bool)
    for number, image in enumerate(masks):
        pages(tmp_path / "images" / f"{number}.tif", image)
    assert np.array_equal(opened(tmp_path / "images").train.images, np.moveaxis(masks, -1, 1) * np.uint8(255))


@pytest.mark.parametrize(
    ("image", "options", "words"),
    [
        (texture(0, 1, "float32")[0, ..., 0].astype("complex64"), {}, "a TIFF of complex64, not of real"),
        (
            texture(0, 60_000, "uint16", 3)[0],
            {"photometric": "cielab"},
            "whose colours are CIELAB, in uint16 — convert",
        ),
    ],
)
def test_a_tiff_whose_values_mean_something_else_is_refused_by_name(tmp_path, image, options, words):
    (tmp_path / "images").mkdir()
    pytest.importorskip("tifffile").imwrite(tmp_path / "images" / "a.tif", image, **options)
    with pytest.raises(DataError, match=rf"^a\.tif: .*{words}"):
        opened(tmp_path / "images")


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(SIDE, SIDE), (SIDE // 2, SIDE)], "a TIFF of 2 pages that differ in size or type — split it into one file"),
        ([(SIDE, SIDE)] * 65, "a TIFF of 65 pages — split it into one file per image, or per channel set"),
    ],
    ids=["two sizes", "65 pages"],
)
def test_pages_that_are_no_channels_are_refused_with_the_file_and_the_way_out(tmp_path, shapes, words):
    tifffile = pytest.importorskip("tifffile")
    (tmp_path / "images").mkdir()
    with tifffile.TiffWriter(tmp_path / "images" / "a.tif") as writer:
        for shape in shapes:
            writer.write(RNG.integers(0, 4000, shape).astype("uint16"), photometric="minisblack", metadata=None)
    with pytest.raises(DataError, match=rf"^a\.tif: {words}"):
        opened(tmp_path / "images")


@pytest.mark.parametrize("options", [{"compression": "zstd"}, {"bitspersample": 12}], ids=["zstd", "12 bits packed"])
def test_a_tiff_that_needs_imagecodecs_asks_for_it_and_is_not_called_damaged(tmp_path, options):
    (tmp_path / "images").mkdir()
    for number, image in enumerate(texture(0, 4095, "uint16")):
        pytest.importorskip("imagecodecs")
        tiff(**options)(tmp_path / "images" / f"{number}.tif", image)
    without = (
        "import sys; sys.modules['imagecodecs'] = None; from pathlib import Path;"
        "from simclr_tui.errors import DataError; from tests.train.data.test_kinds import opened\n"
        "try: opened(Path(sys.argv[1]))\nexcept DataError as error: print(error)"
    )
    command = [sys.executable, "-c", without, str(tmp_path / "images")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert re.search(r"0\.tif: a TIFF .* cannot be read without imagecodecs .* — .*pip install .*tiff", said), said


def write(root: Path, **images: np.ndarray) -> Path:
    root.mkdir(exist_ok=True)
    for name, image in images.items():
        npy(root / f"{name}.npy", image)
    return root


PAIR = texture(0, 1000, "uint16", 3)


@pytest.mark.parametrize(
    ("images", "reading", "words"),
    [
        ({"a": PAIR[0], "b": PAIR[1][..., :2]}, {}, "the images differ in channels: a.npy is NumPy, 3 channels of uint16 .1 image.; b"),  # noqa: E501
        ({"a": PAIR[0], "b": PAIR[1].astype("uint8")}, {}, "differ in bit depth: a.npy is .*uint16.*; b.npy is .*uint8 .* — .*--range LO:HI"),  # noqa: E501
        ({"a": PAIR[0], "b": PAIR[1]}, {"channels": "1,7"}, r"a.npy \(NumPy, 3 channels of uint16\) has no channel 7 — give --channels 3"),  # noqa: E501
        ({"a": PAIR[0] * np.nan, "b": PAIR[1] / 7}, {}, r"a.npy holds NaN or infinity \(1,728 of its values\) — .*--range LO:HI"),  # noqa: E501
        ({"a": PAIR[0] * 0 + 7, "b": PAIR[1] * 0 + 7}, {}, r"every image holds one value only \(7\), as a\.\w+ does"),
        ({"a": PAIR[0] * 1j, "b": PAIR[1] * 1j}, {}, "a.npy: a .npy file that holds no image of numbers"),
        ({"a": PAIR[0][0, 0], "b": PAIR[1][0, 0]}, {}, r"holds no image of numbers, \(H, W\)"),
        ({"a": np.zeros((8, 8), "u2,u2"), "b": np.zeros((8, 8), "u2,u2")}, {}, r"a.npy: .* holds no image of numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_truthfully_is_one_sentence(tmp_path, images, reading, words):
    with pytest.raises(DataError, match=words):
        opened(write(tmp_path / "images", **images), **reading)
    cache = tmp_path / "cache"
    assert not cache.exists() or not [path for path in cache.iterdir() if path.is_dir()]


def test_a_missing_library_is_named_before_anything_is_decoded(tmp_path, monkeypatch):
    root = tmp_path / "images"
    root.mkdir()
    for number, image in enumerate(texture(0, 4095, "uint16", 5)):
        bands_first(root / f"{number}.tif", image)
    monkeypatch.setattr("simclr_tui.train.data.readers.read.installed", lambda package: package != "tifffile")
    with pytest.raises(
        DataError,
        match=r"0.tif \(TIFF, 5 .*uint16\) cannot be read truthfully without tifffile .* — .*pip install .*tiff",
    ):
        opened(root)


@pytest.mark.parametrize(
    ("name", "save", "words"),
    [
        ("0.png", png16, r"0.png \(PNG, 3 channels of uint16\) cannot be read truthfully without imagecodecs —"),
        ("0.jp2", jp2, "1 JPEG 2000 file, which needs imagecodecs:"),
    ],
)
def test_codecs_that_are_missing_are_named_with_the_extra_that_brings_them(tmp_path, monkeypatch, name, save, words):
    root = tmp_path / "images"
    root.mkdir()
    save(root / name, texture(0, 4095, "uint16", 3)[0])
    for module in ("recipe.image_kinds", "train.data.readers.read"):
        monkeypatch.setattr(f"simclr_tui.{module}.installed", lambda package: package != "imagecodecs")
    with pytest.raises(DataError, match=rf"{words} .*pip install .*simclr-tui\[tiff\]"):
        opened(root)


def test_the_range_can_be_given_by_values_percentiles_or_image(tmp_path):
    root = write(tmp_path / "images", **{f"i{n}": image for n, image in enumerate(texture(100, 1100, "uint16"))})
    given = opened(root, range="0:2000").train.images
    assert (given.min(), given.max()) == (round(100 / 2000 * 65535), round(1100 / 2000 * 65535))
    narrow = opened(root, range="p25:p75")
    assert 0.2 < np.mean(narrow.train.images == 0) < 0.3
    assert any("clipped" in warning for warning in narrow.warnings)
    each = opened(root, range="image").train.images
    assert each.reshape(4, -1).min(axis=1).tolist() == [0] * 4
    assert each.reshape(4, -1).max(axis=1).tolist() == [65535] * 4


def test_three_channels_in_another_order_are_not_called_red_green_and_blue(tmp_path):
    root = write(tmp_path / "images", **{f"i{n}": image for n, image in enumerate(texture(0, 255, "uint8", 3))})
    assert opened(root).rgb
    assert opened(root, channels="1,2,3").rgb
    turned = opened(root, channels="3,2,1")
    assert (turned.rgb, turned.channel_names) == (False, ("channel 3", "channel 2", "channel 1"))
    fitted, words = for_channels(Recipe(), turned.channels, rgb=turned.rgb)
    assert {"color", "gray"}.isdisjoint(fitted.operations)
    assert "intensity" in fitted.operations
    assert words.startswith("3 channels, not RGB: ")


def frames(file: Path, image: np.ndarray) -> None:
    """Stores the channels as the frames of one DICOM file."""
    dicom()(file, image)
    data = pytest.importorskip("pydicom").dcmread(file)
    data.NumberOfFrames, data.PixelData = image.shape[-1], np.moveaxis(image, -1, 0).astype("<u2").tobytes()
    data.save_as(file)


@pytest.mark.parametrize(
    ("save", "dtype", "channels", "rgb"),
    [
        (npy, "uint8", "auto", True),
        (pil, "uint8", "auto", True),
        (png16, "uint16", "auto", True),
        (tiff(photometric="rgb"), "uint16", "auto", True),
        (tiff(photometric="minisblack", planarconfig="contig"), "uint16", "auto", False),
        (tiff(photometric="minisblack", planarconfig="contig"), "uint8", "auto", False),
        (bands_first, "uint16", "auto", False),
        (pages, "uint16", "auto", False),
        (frames, "uint16", "auto", False),
        (npy, "uint16", "auto", False),
        (npy, "float32", "auto", True),
        (npy, "int32", "auto", False),
        (npy, "uint16", "1,2,3", True),
        (pages, "uint16", "3", True),
    ],
)
def test_three_channels_are_red_green_and_blue_where_their_file_says_so(tmp_path, save, dtype, channels, rgb):
    root = tmp_path / "images"
    root.mkdir()
    suffix = {npy: "npy", pil: "png", png16: "png", frames: "dcm"}.get(save, "tif")
    for number, image in enumerate(texture(0, 200, dtype, 3)):
        save(root / f"{number}.{suffix}", image)
    data = opened(root, channels=channels)
    assert (data.channels, data.rgb) == (3, rgb)
    assert opened(root, channels=channels).rgb == rgb, "the cache knows it too"
    told = [note for note in data.notes if "nothing in 0." in note]
    assert bool(told) == (not rgb)
    assert "--channels 1,2,3" in "".join(told) or rgb
    assert inspect_data(f"folder:{root}", Reading(channels=channels), quiet).notes == list(data.notes)


def test_nan_is_low_where_a_range_is_given(tmp_path):
    images = texture(0, 1, "float32")
    images[0, 3, 3] = np.nan
    root = write(tmp_path / "images", **{f"i{n}": image for n, image in enumerate(images)})
    assert opened(root, range="0:1").train.images[0, 0, 3, 3] == 0


def test_a_hot_pixel_does_not_hide_the_image(tmp_path):
    images = RNG.integers(100, 200, (4, 64, 64, 1)).astype("uint16")
    images[2, 5, 5] = 65535
    root = write(tmp_path / "images", **{f"i{n}": image for n, image in enumerate(images)})
    data = opened(root)
    assert len(np.unique(data.train.images)) >= 90
    assert "few lie far outside" in data.range_reason


def test_channels_are_picked_in_their_order(tmp_path):
    images = texture(0, 255, "uint8", 5)
    root = write(tmp_path / "images", **{f"i{n}": image for n, image in enumerate(images)})
    picked = opened(root, channels="5,1")
    assert np.array_equal(picked.train.images, np.moveaxis(images, -1, 1)[:, [4, 0]])
    assert picked.channel_names == ("channel 5", "channel 1")
    assert opened(root, channels="3").channels == 3


@pytest.mark.parametrize("channels", ["1", "1,", "2,"])
@pytest.mark.parametrize(("save", "suffix", "scale"), [(pil, "png", 1), (png16, "png", 257), (npy, "npy", 1)])
def test_a_channel_of_colour_is_that_channel_whatever_the_depth_and_the_file(tmp_path, channels, save, suffix, scale):
    root = tmp_path / "images"
    root.mkdir()
    images = texture(0, 255, "uint8", 3)
    for number, image in enumerate(images):
        save(root / f"{number}.{suffix}", image if scale == 1 else image.astype(np.uint16) * scale)
    picked = opened(root, channels=channels, range="auto" if scale == 1 else "0:65535").train.images
    assert np.array_equal(picked[:, 0], images[..., int(channels[0]) - 1].astype(int) * scale)


def test_one_channel_of_grey_files_with_opacity_is_laid_over_white(tmp_path):
    root = tmp_path / "images"
    root.mkdir()
    for number, image in enumerate(texture(0, 255, "uint8")):
        opacity = np.full_like(image, 255)
        opacity[:4] = 0
        Image.fromarray(np.concatenate([image, opacity], axis=-1), "LA").save(root / f"{number}.png")
    stored = opened(root, channels="1").train.images
    assert np.array_equal(stored, opened(root).train.images)
    assert (stored[:, 0, :4] == 255).all()


def test_transparency_is_laid_over_white_and_said_or_kept(tmp_path):
    root = tmp_path / "images"
    root.mkdir()
    for number, image in enumerate(texture(0, 255, "uint8", 4)):
        Image.fromarray(image, "RGBA").save(root / f"{number}.png")
    data = opened(root)
    assert data.channels == 3
    assert any("laid over white; --channels 4 keeps it" in note for note in data.notes)
    assert opened(root, channels="4").channels == 4


def test_few_levels_and_constant_images_are_warned_of(tmp_path):
    few = write(tmp_path / "few", **{f"i{n}": image // 100 * 100 for n, image in enumerate(texture(0, 1000, "uint16"))})
    assert any("11 levels only" in warning for warning in opened(few).warnings)
    for name, top, advice in (("mask", 255, "the views will show little"), ("dim", 9, "give --range LO:HI")):
        masks = {f"{name}{n}": (image > 127).astype("uint8") * top for n, image in enumerate(texture(0, 255, "uint8"))}
        assert any(f"2 levels only: {advice}" in said for said in opened(write(tmp_path / name, **masks)).warnings)
    flat = {f"f{n}": np.full((SIDE, SIDE, 1), 500 + n, "uint16") for n in range(3)}
    some = write(tmp_path / "flat", i=texture(0, 1000, "uint16")[0], **flat)
    assert any("75% of the images are nearly constant" in warning for warning in opened(some).warnings)


def test_images_that_stay_in_files_are_warned_of_alike(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    masks = {f"m{n}": (image > 127).astype("uint8") * 255 for n, image in enumerate(texture(0, 255, "uint8"))}
    root = write(tmp_path / "masks", **masks)
    for _ in range(2):  # the second time from what was kept of the first
        data = opened(root)
        assert not isinstance(data.train.images, np.ndarray)
        assert [said for said in data.warnings if "2 levels only" in said]
    flat = {f"f{n}": np.full((SIDE, SIDE, 1), 500 + n, "uint16") for n in range(3)}
    some = write(tmp_path / "flat", i=texture(0, 1000, "uint16")[0], **flat)
    assert any("75% of the images are nearly constant" in warning for warning in opened(some).warnings)


def test_few_levels_are_warned_of_where_each_image_has_its_own_range(tmp_path):
    """Such a range makes any two levels black and white, and the others of the scale stay empty."""
    few = {f"i{n}": image // 100 * 100 + n for n, image in enumerate(texture(0, 1000, "uint16"))}
    assert any("11 levels only" in said for said in opened(write(tmp_path / "few", **few), range="image").warnings)
    many = {f"i{n}": image for n, image in enumerate(texture(0, 1000, "uint16"))}
    assert opened(write(tmp_path / "many", **many), range="image").warnings == ()


def test_the_range_is_that_of_the_training_images_alone_however_they_are_kept(tmp_path, monkeypatch):
    def images(split: str, top: int) -> None:
        for number, image in enumerate(texture(0, top, "uint16")):
            folder = tmp_path / "images" / split / "ab"[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            pil(folder / f"{number}.png", image)

    images("train", 1000)
    images("test", 4000)
    first = opened(tmp_path / "images")
    assert first.scaling.high == (1000.0,)
    kept = opened(tmp_path / "images")
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    shutil.rmtree(tmp_path / "cache")
    for data in (kept, opened(tmp_path / "images")):
        assert (data.scaling, data.range_reason) == (
            replace(first.scaling, direct=data.scaling.direct),
            first.range_reason,
        )


def test_version_0_1_reads_as_it_did(tmp_path):
    root = tmp_path / "images"
    root.mkdir()
    images = texture(0, 65535, "uint16")
    for number, image in enumerate(images):
        pil(root / f"{number}.png", image)
    old = opened(root, range="0.1", split="0.1").train.images
    assert old.dtype == np.uint8
    assert np.array_equal(old, np.repeat((images >> 8).transpose(0, 3, 1, 2), 3, axis=1))


def test_pixels_in_memory_and_image_by_image_are_the_same(tmp_path, monkeypatch):
    root = write(tmp_path / "images", **{f"i{n}": image for n, image in enumerate(texture(-50, 50, "float32", 2))})
    whole = opened(root).train.images
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    lazy = open_data(f"folder:{root}", image_size=SIDE, subset=0, progress=quiet, cache=tmp_path / "other")
    assert not isinstance(lazy.train.images, np.ndarray)
    assert lazy.train.images.dtype == whole.dtype
    assert np.array_equal(lazy.train.images[:], whole)
    lazy.train.images.decoders.close()


def test_the_header_of_a_file_is_read_from_its_bytes_too():
    from simclr_tui.recipe.image_headers import read_header

    buffer = io.BytesIO()
    Image.new("L", (7, 5)).save(buffer, "PNG")
    header = read_header(buffer.getvalue())
    assert header is not None
    assert (header.width, header.height, header.channels) == (7, 5, 1)
