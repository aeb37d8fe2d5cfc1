"""Recognise files by their first bytes: images of the kinds that are read, and others by name with what to do."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.text import safe

HEAD = 512
"""Number of bytes that tell the kind of a file."""

_IMAGES = (
    *((0, b"\xff\xd8\xff", "JPEG"), (0, b"\x89PNG\r\n\x1a\n", "PNG"), (8, b"WEBP", "WebP"), (0, b"GIF8", "GIF")),
    *((0, magic, "TIFF") for magic in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    *((4, b"jP  ", "JPEG 2000"), (4, b"ftypavif", "AVIF"), (4, b"ftypavis", "AVIF")),
    *((4, b"ftyphei", "HEIC"), (4, b"ftyphev", "HEIC"), (4, b"ftypmif1", "HEIC"), (4, b"ftypmsf1", "HEIC")),
    *((128, b"DICM", "DICOM"), (0, b"\x93NUMPY", "NumPy")),
)
"""Where in a file the bytes stand that tell its kind. Those of two bytes (BMP, Netpbm) begin many a text too."""


@dataclass(frozen=True)
class Content:
    """Describe the content of a file that is no image that is read: `name` follows "is", `remedy` says what to do."""

    name: str
    remedy: str


NUMPY = Content("a NumPy array", "give --data npy:FILE")
ARRAYS = Content("a ZIP archive of arrays", "give --data npz:FILE")
_CONVERT = "convert it to TIFF or PNG"
_UNPACK = "unpack it"
_OTHERS = (
    *((0, magic, "a ZIP archive", _UNPACK) for magic in (b"PK\3\4", b"PK\5\6")),
    *((0, b"\x1f\x8b", "compressed by gzip", _UNPACK), (0, b"BZh", "compressed by bzip2", _UNPACK)),
    *((0, b"\xfd7zXZ\0", "compressed by xz", _UNPACK), (0, b"\x28\xb5\x2f\xfd", "compressed by zstd", _UNPACK)),
    *((0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK), (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK)),
    (257, b"ustar", "a tar archive", "give --data tar:FILE"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "give --data h5:FILE"),
    (0, b"PAR1", "a Parquet file", "give --data parquet:FILE"),
    (0, b"MATLAB 5.0", "a MATLAB file", "save its arrays with numpy.savez"),
    *((344, magic, "a NIfTI volume", "save its slices as TIFF, or as one array") for magic in (b"n+1\0", b"ni1\0")),
    (0, b"NRRD0", "an NRRD volume", "save its slices as TIFF, or as one array"),
    (0, b"SIMPLE  =", "a FITS image", "save it as TIFF or .npy"),
    (0, b"ZISRAWFILE", "a CZI image", "export it as TIFF"),
    *((0, b"8BPS", "a Photoshop image", _CONVERT), (0, b"\x76\x2f\x31\x01", "an OpenEXR image", _CONVERT)),
    *((0, b"\xff\x0a", "a JPEG XL image", _CONVERT), (4, b"JXL ", "a JPEG XL image", _CONVERT)),
    *((0, b"\xff\xd8\xff\xf7", "a JPEG-LS image", _CONVERT), (0, b"II\xbc\x01", "a JPEG XR image", _CONVERT)),
    *((0, b"#?RADIANCE", "a Radiance HDR image", _CONVERT), (0, b"DDS ", "a DDS texture", _CONVERT)),
    *((0, b"\0\0\1\0", "an icon", _CONVERT), (0, b"<svg", "an SVG drawing", _CONVERT)),
    *((0, b"%PDF", "a PDF document", "export its images as PNG"), (0, b"%!PS", "a PostScript document", _CONVERT)),
    *((8, b"AVI ", "a film", "save its frames as PNG"), (4, b"ftyp", "a film", "save its frames as PNG")),
    (0, b"\x1a\x45\xdf\xa3", "a film", "save its frames as PNG"),
    (0, b"version https://git-lfs", "a Git LFS pointer to a file that was not fetched", "run git lfs pull"),
)
"""Contents that are named in place of `damaged`. A web page or a text is what a download that failed left: damaged."""


def image_kind(head: bytes) -> str:
    """Return the name of an image's kind by the first bytes of its file, '' where they are of none that is certain."""
    found = next((kind for at, magic, kind in _IMAGES if head.startswith(magic, at)), "")
    if found == "HEIC" and b"avif" in head[16 : int.from_bytes(head[:4], "big")]:  # a brand that both may claim
        return "AVIF"
    return found or ("DICOM" if _is_bare_dicom(head) else "")


def other_content(head: bytes) -> Content | None:
    """Return what a file is that is no readable image, by its first bytes; None where they are not known."""
    if head.startswith(b"PK\3\4") and head[30 : 30 + head[26] + (head[27] << 8)].endswith(b".npy"):
        return ARRAYS
    return next((Content(name, remedy) for at, magic, name, remedy in _OTHERS if head.startswith(magic, at)), None)


def refuse_other(file: Path, wanted: str) -> None:
    """Raise DataError where a file is recognised and is none that is `wanted`, such as `an HDF5 file`."""
    try:
        head = head_of(file)
    except OSError:
        return  # whoever opens it says why it cannot be read
    kind = image_kind(head)
    other = other_content(head)
    if kind:
        other = NUMPY if kind == "NumPy" else Content(f"one {kind} image", "give --data folder:FOLDER")
    if other and other.name != wanted:
        raise DataError(f"{safe(str(file))} is {other.name}, not {wanted}", other.remedy)


def head_of(file: Path | bytes) -> bytes:
    """Return the bytes that tell a file's kind. Raises OSError."""
    if isinstance(file, bytes):
        return file[:HEAD]
    with file.open("rb") as opened:
        return opened.read(HEAD)


_FIRST_GROUPS = (2, 8)  # of the elements that a data set begins with: about the file itself, about the study
_LAST_ELEMENT = 0x0110  # of those that can come first in their group
_LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC", b"UR")  # value representations whose length takes four bytes


def _is_bare_dicom(head: bytes) -> bool:
    """Return whether a file begins with a DICOM data set, without the preamble and `DICM` (PS3.10 §7.1).

    Two elements in a row, in ascending order and of the first groups, are not met by chance.
    """
    for order in "<>":
        at, tags = 0, list[tuple[int, int]]()
        while len(tags) < 2 and (element := _element(head[at : at + 12], order)):
            tag, length = element
            tags.append(tag)
            at += length
        if len(tags) == 2 and tags[0] < tags[1]:
            return True
    return False


def _element(head: bytes, order: str) -> tuple[tuple[int, int], int] | None:
    """Return the tag of a data element of the first groups and its length with its header; None where it is none."""
    if len(head) < 12:
        return None
    group, element = struct.unpack(order + "HH", head[:4])
    if group not in _FIRST_GROUPS or element > _LAST_ELEMENT:
        return None
    if head[4:6] in _LONG:
        length, start = head[8:12], 12
    elif re.match(rb"[A-Z]{2}", head[4:6]):
        length, start = head[6:8], 8
    else:  # the value representation is implicit
        length, start = head[4:8], 8
    size = int.from_bytes(length, "little" if order == "<" else "big")
    return ((group, element), start + size) if size < HEAD else None
