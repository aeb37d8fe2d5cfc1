"""A file is read by its content, whatever its suffix says; what is no image that is read is named as what it is."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError
from simclr_tui.recipe.image_kinds import KINDS
from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data import Data, open_data
from simclr_tui.train.data.inspect import inspect_data
from simclr_tui.train.data.readers import read_image, survey_image

SIDE = 16
RNG = np.random.default_rng(4)
RGB = RNG.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
DEEP = RNG.integers(0, 4096, (SIDE, SIDE, 1)).astype(np.uint16)
DEEP_RGB = RNG.integers(0, 60_000, (SIDE, SIDE, 3)).astype(np.uint16)
FLOATS = RNG.normal(size=(SIDE, SIDE, 3)).astype(np.float32)


def pillow(form: str, **options: object) -> Callable[[], bytes]:
    def content() -> bytes:
        file = io.BytesIO()
        Image.fromarray(RGB).save(file, form, **options)
        return file.getvalue()

    return content


def npy(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, image)
    return file.getvalue()


def tiff() -> bytes:
    tifffile, file = pytest.importorskip("tifffile"), io.BytesIO()
    tifffile.imwrite(file, DEEP[..., 0])
    return file.getvalue()


def codec(name: str, image: np.ndarray, **options: object) -> Callable[[], bytes]:
    return lambda: getattr(pytest.importorskip("imagecodecs"), f"{name}_encode")(image, **options)


def heic() -> bytes:
    heif, file = pytest.importorskip("pillow_heif"), io.BytesIO()
    heif.from_bytes("RGB", (SIDE, SIDE), RGB.tobytes()).save(file, quality=-1, chroma=444, matrix_coefficients=0)
    return file.getvalue()


def dicom(preamble: bool, implicit: bool = False, meta: bool = True) -> Callable[[], bytes]:
    def content() -> bytes:
        pydicom, file = pytest.importorskip("pydicom"), io.BytesIO()
        data = pydicom.Dataset()
        data.SOPClassUID, data.SOPInstanceUID, data.Modality = pydicom.uid.SecondaryCaptureImageStorage, "1.2.3", "OT"
        data.Rows, data.Columns, data.SamplesPerPixel = SIDE, SIDE, 1
        data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
        data.add_new("PixelData", "OW", DEEP.tobytes())
        if not meta:
            data.save_as(file, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
            return file.getvalue()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data.save_as(file, enforce_file_format=True)
        return file.getvalue() if preamble else file.getvalue()[132:]

    return content


def pam(tuple_type: str, image: np.ndarray, top: int) -> bytes:
    height, width, depth = image.shape
    head = (
        f"P7\n# by a test\nWIDTH {width}\nHEIGHT {height}\nDEPTH {depth}\nMAXVAL {top}\nTUPLTYPE {tuple_type}\nENDHDR\n"
    )
    return head.encode() + image.astype(">u2" if top > 255 else "u1").tobytes()


def pfm(scale: float) -> bytes:
    return f"PF\n{SIDE} {SIDE}\n{scale}\n".encode() + FLOATS[::-1].astype("<f4" if scale < 0 else ">f4").tobytes()


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


CONTENTS: dict[str, tuple[Callable[[], bytes], np.ndarray | None]] = {
    "JPEG": (pillow("JPEG"), None), "PNG": (pillow("PNG"), RGB), "WebP": (pillow("WEBP", lossless=True), RGB),
    "BMP": (pillow("BMP"), RGB), "GIF": (pillow("GIF"), None), "TIFF of 8 bits": (pillow("TIFF"), RGB),
    "TIFF of 16 bits": (tiff, DEEP), "PPM": (pillow("PPM"), RGB), "PNG of 16 bits": (codec("png", DEEP_RGB), DEEP_RGB),
    "PAM": (lambda: pam("RGB", RGB, 255), RGB), "PAM of 16 bits": (lambda: pam("GRAYSCALE", DEEP, 4095), DEEP),
    "PFM": (lambda: pfm(-1.0), FLOATS), "PFM, big-endian": (lambda: pfm(1.0), FLOATS),
    "NumPy": (lambda: npy(DEEP_RGB), DEEP_RGB), "HEIC": (heic, RGB),
    "JPEG 2000": (codec("jpeg2k", RGB, level=0, reversible=True), RGB),
    "DICOM": (dicom(preamble=True), DEEP), "DICOM without a preamble": (dicom(preamble=False), DEEP),
    "DICOM of elements alone": (dicom(False, meta=False), DEEP),
    "DICOM of implicit elements alone": (dicom(False, implicit=True, meta=False), DEEP),
}  # fmt: skip
SUFFIXES = [kind.suffixes[0] for kind in KINDS]


@pytest.mark.parametrize("what", CONTENTS)
def test_every_kind_is_read_under_the_suffix_of_every_other(tmp_path, what):
    make, wanted = CONTENTS[what]
    content = make()
    wanted = decoded(content) if wanted is None else wanted
    for source in (*(tmp_path / f"a{suffix}" for suffix in ["", *SUFFIXES]), content):
        if isinstance(source, Path):
            source.write_bytes(content)
        found = read_image(source, survey_image(source, "a"), SIDE)
        assert found.dtype == wanted.dtype
        assert np.array_equal(found, wanted)


def pbm() -> bytes:
    return b"P4\n%d %d\n" % (SIDE, SIDE) + np.packbits(RGB[..., 0] > 127, axis=1).tobytes()


def pgm() -> bytes:
    return b"P5\n%d %d\n255\n" % (SIDE, SIDE) + RGB[..., 0].tobytes()


OF_SUFFIX = {
    ".pbm": (pbm, (RGB[..., :1] <= 127) * np.uint8(255)), ".pgm": (pgm, RGB[..., :1]), ".pam": CONTENTS["PAM"],
    ".pfm": CONTENTS["PFM"], ".avif": (codec("avif", RGB, level=100), None),
}  # fmt: skip
"""What is written under a suffix that is not that of its kind's usual form, and the values, where they are exact."""
OF_KIND = {"TIFF": "TIFF of 8 bits", "Netpbm": "PPM"}


@pytest.mark.parametrize(("kind", "suffix"), [(kind.name, suffix) for kind in KINDS for suffix in kind.suffixes])
def test_every_suffix_of_every_kind_is_looked_at_and_read(tmp_path, kind, suffix):
    make, wanted = OF_SUFFIX.get(suffix) or CONTENTS[OF_KIND.get(kind, kind)]
    (tmp_path / "images").mkdir()
    for name in (f"a{suffix}", f"b{suffix.upper()}"):
        (tmp_path / "images" / name).write_bytes(make())
    data = opened(tmp_path / "images")
    assert data.train.names == (f"a{suffix}", f"b{suffix.upper()}")
    assert data.train.images.shape[2:] == (SIDE, SIDE)
    if wanted is not None and wanted.dtype == np.uint8:
        assert np.array_equal(data.train.images[1].transpose(1, 2, 0), wanted)


def test_how_many_pixels_are_read_at_once_can_be_set(monkeypatch):
    content = pillow("PNG")()
    monkeypatch.setenv("SIMCLR_MAX_PIXELS", str(SIDE * SIDE - 1))
    with pytest.raises(DataError, match=rf"a has 16 × 16 pixels, .* — .*set SIMCLR_MAX_PIXELS={SIDE * SIDE} if"):
        survey_image(content, "a")
    monkeypatch.setenv("SIMCLR_MAX_PIXELS", str(SIDE * SIDE))
    assert survey_image(content, "a").width == SIDE


def opened(root: Path, **files: bytes) -> Data:
    root.mkdir(exist_ok=True)
    for name, content in files.items():
        (root / name.replace("_", ".")).write_bytes(content)
    return open_data(f"folder:{root}", image_size=SIDE, subset=0, progress=lambda *_: None, cache=root.parent / "cache")


def test_a_folder_of_files_that_are_named_wrongly_is_read_and_nothing_is_called_damaged(tmp_path):
    data = opened(tmp_path / "images", a_jpg=pillow("PNG")(), b_png=pillow("BMP")(), c_ppm=pam("RGB", RGB, 255))
    assert np.array_equal(data.train.images, np.broadcast_to(RGB.transpose(2, 0, 1), (3, 3, SIDE, SIDE)))


def test_opacity_of_a_pam_is_laid_over_white_and_said(tmp_path):
    see_through = np.concatenate([RGB, np.zeros_like(RGB[..., :1])], axis=-1)
    data = opened(tmp_path / "images", a_pam=pam("RGB_ALPHA", see_through, 255))
    assert np.all(data.train.images == 255)
    assert any("laid over white; --channels 4 keeps it" in note for note in data.notes)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.npy", gzip.compress(npy(DEEP), mtime=0), r"a\.npy is compressed by gzip — unpack it"),
        ("a.tif", gzip.compress(bytes(400), mtime=0), r"a\.tif is compressed by gzip — unpack it"),
        ("a.dcm", bytes(344) + b"n+1\0" + bytes(99), r"a\.dcm is a NIfTI volume — save its slices as TIFF"),
        ("a.png", b"\x89HDF\r\n\x1a\n" + bytes(99), r"a\.png is an HDF5 file — give --data h5:FILE"),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1\n", r"a\.jpg is a Git LFS pointer .* — run git lfs"),
        ("a.heic", b"\0\0\0\x18ftypisom" + bytes(99), r"a\.heic is a film — save its frames as PNG"),
        ("a.tif", b"8BPS\0\1" + bytes(99), r"a\.tif is a Photoshop image — convert it to TIFF or PNG"),
    ],
    ids=["npy.gz", "nii.gz", "nii", "h5", "Git LFS", "film", "psd"],
)
def test_what_is_no_image_that_is_read_is_named_and_not_called_damaged(tmp_path, name, content, words):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        opened(tmp_path / "images")
    with pytest.raises(DataError, match=words):
        survey_image(content, name)
    report = inspect_data(f"folder:{tmp_path / 'images'}", Reading(), lambda *_: None)
    assert re.search(words, report.refused)
    assert report.damaged_count == 0


@pytest.mark.parametrize(("kind", "package"), [("HEIC", "pillow_heif"), ("DICOM", "pydicom")])
def test_a_library_that_the_suffix_does_not_ask_for_is_named(tmp_path, monkeypatch, kind, package):
    content = {"HEIC": b"\0\0\0\x18ftypheic", "DICOM": bytes(128) + b"DICM"}[kind] + bytes(300)
    monkeypatch.setattr("simclr_tui.train.data.readers.read.installed", lambda name: name != package)
    with pytest.raises(DataError, match=rf"a\.jpg \({kind}\) cannot be read truthfully without {package} — .*install"):
        opened(tmp_path / "images", a_jpg=content)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", pillow("PNG")()[:40], b"\x93NUMPY\1\0"], ids=[
    "empty", "a web page", "cut off", "an array cut off"])  # fmt: skip
def test_what_is_cut_off_or_never_was_an_image_is_damaged(tmp_path, content):
    with pytest.raises(DataError, match=r"1 of 2 images is damaged \(x\.png\)"):
        opened(tmp_path / "images", a_png=pillow("PNG")(), x_png=content)
