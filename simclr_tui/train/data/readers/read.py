"""Choose the reader of an image file by its content, and read."""

from __future__ import annotations

import importlib
import os
from typing import cast

from simclr_tui.errors import DataError
from simclr_tui.interpreter import extra_command
from simclr_tui.recipe.file_content import head_of, image_kind, other_content
from simclr_tui.recipe.image_headers import Header, read_header
from simclr_tui.recipe.image_kinds import KINDS, installed
from simclr_tui.text import safe
from simclr_tui.train.data.readers import pillow, tiff
from simclr_tui.train.data.readers.protocol import File, Reader, Values

MOST_PIXELS = 300_000_000
"""Pixels of an image that is read at all: what a few hundred bytes can ask for must not fill the memory."""
_DENSEST = 10_000  # pixels that a byte of a file can stand for: PNG packs eight a byte, and those a thousandfold

_MODULES = {"NumPy": "npy", "DICOM": "dicom", "HEIC": "heif", "AVIF": "codecs", "JPEG 2000": "codecs"}
_OF_KIND = _MODULES | {"TIFF": "tiff"}
_DEEP_MODULES = {"PNG": "codecs", "JPEG": "codecs", "TIFF": "tiff", "Netpbm": "netpbm"}
_PACKAGES = {kind.name: (kind.package, kind.extra) for kind in KINDS} | {
    "codecs": ("imagecodecs", "tiff"),
    "tiff": ("tifffile", "tiff"),
}


def survey_image(file: File, name: str) -> Header:
    """Return the header of an image, `name` being what errors call it.

    Raises DataError for one that is refused, and all sorts of things for one that is damaged.
    """
    header = read_header(file) or _header_by_library(file, name)
    pixels = header.width * header.height
    if pixels > _most_pixels():
        if pixels > _DENSEST * (len(file) if isinstance(file, bytes) else file.stat().st_size):
            raise ValueError("a header that its file cannot fill")
        raise DataError(
            f"{safe(name)} has {header.width:,} × {header.height:,} pixels, more than are read at once",
            f"cut it up, or set SIMCLR_MAX_PIXELS={pixels} if the memory holds it",
        )
    require(header, name)
    return header


def require(header: Header, name: str) -> None:
    """Raise DataError where the library is missing that reads such an image truthfully."""
    package, extra = _PACKAGES.get(_module(header)) or _PACKAGES.get(header.kind) or ("", "")
    _require(package, extra, f"{safe(name)} ({header.words})")


def _require(package: str, extra: str, what: str) -> None:
    if package and not installed(package):
        raise DataError(f"{what} cannot be read truthfully without {package}", extra_command(extra))


def read_image(file: File, header: Header, at_least: int) -> Values:
    """Return the image, (H, W, C), in the values that the file holds; see `Reader.values`."""
    return _load(_module(header)).values(file, header, at_least)


def lies_on_its_side(file: File, header: Header) -> bool:
    """Return whether the metadata of a file turns its image by a quarter, so that height and width are exchanged."""
    if header.kind not in pillow.TURNABLE:
        return False
    return tiff.lies_on_its_side(file) if _module(header) == "tiff" else pillow.lies_on_its_side(file)


def _module(header: Header) -> str:
    deep = _DEEP_MODULES.get(header.kind, "pillow")
    if header.kind == "PNG" and header.channels == 1:
        deep = "pillow"  # 16 bits of grey it reads as they are; of colour only the high byte
    if header.kind == "TIFF" and _simple_tiff(header) and not installed("tifffile"):
        deep = "pillow"
    return _MODULES.get(header.kind, "pillow" if header.plain else deep)


def _simple_tiff(header: Header) -> bool:
    """Return whether Pillow's mode for it keeps every value."""
    return header.channels == header.pages == 1 and (header.dtype, header.bits) in (("uint16", 16), ("float32", 32))


def _header_by_library(file: File, name: str) -> Header:
    """Return the header of a file by its kind's own library, or by Pillow if its content is of no kind known here.

    Raises DataError where that library is missing, or the content is known to be none of an image that is read.
    """
    head = head_of(file)
    kind = image_kind(head)
    if kind in _MODULES:
        _require(*_PACKAGES[kind], f"{safe(name)} ({kind})")
    elif not (kind == "TIFF" and installed("tifffile")):
        if other := other_content(head):
            raise DataError(f"{safe(name)} is {other.name}", other.remedy)
        kind = ""
    return _load(_OF_KIND.get(kind, "pillow")).header(file)


def _load(module: str) -> Reader:
    return cast(Reader, importlib.import_module(f"simclr_tui.train.data.readers.{module}"))


def _most_pixels() -> int:
    given = os.environ.get("SIMCLR_MAX_PIXELS", "")
    return int(given) if given.isdigit() else MOST_PIXELS
