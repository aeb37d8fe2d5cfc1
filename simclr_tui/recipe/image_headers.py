"""Read the headers of image files without a library: kind, size, channels and type of value.

Two hundred thousand headers take seconds, in the control plane too. For a header that needs its format's own library
(DICOM), or that this parser does not understand, the answer is None and the caller asks the format's reader.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from simclr_tui.recipe.array_shapes import image_shape, npy_shape

HEAD = 1 << 12
"""Number of bytes read first; most headers fit into them."""


@dataclass(frozen=True, slots=True)
class Header:
    """Describe one image. `channels` includes an alpha channel; `dtype` is numpy's name of the type of value.

    `bits` is the depth of one value if the format declares it (such as 12 of 16). `pages` counts the images in the
    file. `plain` says that Pillow reads the file as its true 8-bit values. An `animated` file holds frames after the
    first, which alone is read. `stored` is the depth in words where the file keeps its values in another type than the
    one that they are read in: `12 bits in 16, rescaled`. `colours` is False where nothing says that three channels are
    red, green and blue: of pages, of a TIFF tagged as shades of grey, of arrays of whole numbers beyond 8 bits.
    """

    kind: str
    width: int
    height: int
    channels: int
    dtype: str = "uint8"
    bits: int = 8
    alpha: bool = False
    pages: int = 1
    plain: bool = True
    animated: bool = False
    stored: str = ""
    colours: bool = True

    @property
    def side(self) -> int:
        """Return the shorter side in pixels."""
        return min(self.width, self.height)

    @property
    def words(self) -> str:
        """Return the format in words: `TIFF, 5 channels of uint16`."""
        each = f"{self.channels} channel{'s' if self.channels != 1 else ''} of {self.stored or self.dtype}"
        return f"{self.kind}, {each}" + (f", {self.pages} pages" if self.pages > 1 else "")


class Bytes:
    """Read a file, or bytes in memory, piece by piece at any offset."""

    def __init__(self, source: Path | bytes) -> None:
        self._fd = -1 if isinstance(source, bytes) else os.open(source, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        self.head = source if isinstance(source, bytes) else os.pread(self._fd, HEAD, 0)

    @property
    def size(self) -> int:
        """Return the total number of bytes."""
        return len(self.head) if self._fd < 0 else self.status.st_size

    @cached_property
    def status(self) -> os.stat_result:
        """Return the file's status. Raises OSError for bytes in memory."""
        return os.fstat(self._fd)

    def __call__(self, start: int, count: int) -> bytes:
        stop = start + count
        if stop <= len(self.head) or self._fd < 0:
            return self.head[start:stop]
        return os.pread(self._fd, count, start)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)


def read_header(source: Path | bytes) -> Header | None:
    """Return the header of an image file, recognised by its content rather than its name; None if it is not understood.

    Raises OSError if the file cannot be read.
    """
    read = Bytes(source)
    try:
        return parse_header(read)
    finally:
        read.close()


def parse_header(read: Bytes) -> Header | None:
    """Return the header of an open image file; None if it is not understood."""
    try:
        head = read(0, 16)
        for magic, parse in _PARSERS:
            if head.startswith(magic) or (magic == b"ftyp" and head[4:8] == magic):
                return parse(read)
    except _NOT_UNDERSTOOD:
        return None
    return None


_NOT_UNDERSTOOD = (
    *(struct.error, ValueError, IndexError, KeyError, SyntaxError, ZeroDivisionError, TypeError, MemoryError),
    AttributeError,
)


def _png(read: Bytes) -> Header:
    width, height, bits, colour = struct.unpack(">IIBB", read(16, 10))
    is_deep = bits == 16
    found = _png_chunks(read)
    see_through = colour not in (4, 6) and not is_deep and b"tRNS" in found  # of one colour, or of those of a palette
    channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[colour] + see_through
    alpha, dtype = colour in (4, 6) or see_through, "uint16" if is_deep else "uint8"
    return Header("PNG", width, height, channels, dtype, max(bits, 8), alpha, 1, not is_deep, b"acTL" in found)


def _png_chunks(read: Bytes) -> set[bytes]:
    """Return the kinds of chunks before the pixels."""
    found: set[bytes] = set()
    at = 8
    while b"IDAT" not in found and len(found) < _MOST_CHUNKS:
        head = read(at, 8)
        if len(head) < 8:
            break
        found.add(head[4:])
        at += 12 + int.from_bytes(head[:4], "big")
    return found


_MOST_CHUNKS = 64


def _jpeg(read: Bytes) -> Header | None:
    offset = 2
    for _ in range(1000):
        marker, code = read(offset, 2)
        if marker != 0xFF:
            return None
        if code == 0xFF:  # padding
            offset += 1
            continue
        if code in (0x01, *range(0xD0, 0xD9)):
            offset += 2
            continue
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            bits, height, width, channels = struct.unpack(">BHHB", read(offset + 4, 6))
            if not height:
                return None
            return _coded("JPEG", width, height, channels=1 if channels == 1 else 3, bits=bits)
        offset += 2 + struct.unpack(">H", read(offset + 2, 2))[0]
    return None


def _gif(read: Bytes) -> Header:
    width, height, flags = struct.unpack("<HHB", read(6, 5))
    at, frames, see_through = 13 + _colours(flags), 0, False
    for _ in range(_MOST_BLOCKS):  # up to the second frame, whose pixels are not read
        kind = read(at, 2)
        if kind[:1] == b"," and not frames:
            frames, at = 1, at + 11 + _colours(read(at + 9, 1)[0])
        elif kind[:1] == b"!":
            see_through |= kind == b"!\xf9" and not frames and bool(read(at + 3, 1)[0] & 1)
            at += 2
        else:
            return Header("GIF", width, height, 3 + see_through, alpha=see_through, animated=kind[:1] == b",")
        while (count := read(at, 1)) not in (b"", b"\0"):
            at += 1 + count[0]
        at += 1
    return Header("GIF", width, height, 3)


_MOST_BLOCKS = 64


def _colours(flags: int) -> int:
    """Return the bytes of the table of colours that a GIF's flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _bmp(read: Bytes) -> Header | None:
    if struct.unpack("<I", read(14, 4))[0] < 40:
        return None
    width, height, _, bits = struct.unpack("<iiHH", read(18, 12))
    return Header("BMP", width, abs(height), 3) if bits <= 24 else None


def _webp(read: Bytes) -> Header | None:
    if read(8, 4) != b"WEBP":
        return None
    kind = read(12, 4)
    if kind == b"VP8X":
        flags, size = read(20, 1)[0], read(24, 6)
        width, height = (int.from_bytes(size[at : at + 3], "little") + 1 for at in (0, 3))
        alpha, animated = bool(flags & 0x10), bool(flags & 0x02)
        return Header("WebP", width, height, 3 + alpha, alpha=alpha, animated=animated)
    if kind == b"VP8L":
        bits = struct.unpack("<I", read(21, 4))[0]
        alpha = bool(bits >> 28 & 1)
        return Header("WebP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, 4 if alpha else 3, alpha=alpha)
    width, height = (value & 0x3FFF for value in struct.unpack("<HH", read(26, 4)))
    return Header("WebP", width, height, 3)


def _netpbm(read: Bytes) -> Header | None:
    head = re.sub(rb"#[^\n]*\n", b" ", read(0, 1024))
    magic, *rest = head.split()[:4]
    if magic in (b"P1", b"P4"):
        return Header("Netpbm", int(rest[0]), int(rest[1]), 1)
    top = int(rest[2])
    channels = 3 if magic in (b"P3", b"P6") else 1
    is_deep = top != 255
    dtype = "uint16" if top > 255 else "uint8"
    return Header("Netpbm", int(rest[0]), int(rest[1]), channels, dtype, top.bit_length(), plain=not is_deep)


def _pam(read: Bytes) -> Header:
    lines = read(0, 1024).partition(b"ENDHDR\n")[0].splitlines()
    told = dict(line.split(None, 1) for line in lines[1:] if line.strip() and not line.startswith(b"#"))
    width, height, depth, top = (int(told[name]) for name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    alpha = told.get(b"TUPLTYPE", b"").strip().endswith(b"_ALPHA")
    dtype, bits = "uint16" if top > 255 else "uint8", top.bit_length()
    return Header("Netpbm", width, height, depth, dtype, bits, alpha, plain=False)


def _pfm(read: Bytes) -> Header:
    magic, width, height, _ = read(0, 1024).split()[:4]
    return Header("Netpbm", int(width), int(height), 3 if magic == b"PF" else 1, "float32", 32, plain=False)


def _jp2(read: Bytes) -> Header | None:
    data = read(0, HEAD)
    at = data.find(b"ihdr")
    if at >= 0:
        height, width, channels, depth = struct.unpack(">IIHB", data[at + 4 : at + 15])
    else:  # a codestream without its box
        at = data.find(b"\xff\x51")
        x1, y1, x0, y0 = struct.unpack(">IIII", data[at + 6 : at + 22])
        width, height = x1 - x0, y1 - y0
        channels, depth = struct.unpack(">HB", data[at + 38 : at + 41])
    if depth == _EACH_ITS_OWN:
        return None
    bits, signed = (depth & _DEPTH) + 1, depth > _DEPTH
    return _coded("JPEG 2000", width, height, channels=channels, bits=bits, signed=signed)


_DEPTH = 0x7F
"""Bits of a component's depth in JPEG 2000, less one; the highest bit of the byte says that its values are signed."""
_EACH_ITS_OWN = 0xFF  # the components differ in depth


def _iso(read: Bytes) -> Header | None:
    """Parse AVIF, where `ispe` gives the size and `pixi` the depth. HEIC has the same form but may crop afterwards."""
    data = read(0, 1 << 16)
    brand = read(8, 4)
    if brand not in (b"avif", b"avis") and b"av01" not in data:
        return None
    sizes = [struct.unpack(">II", data[m.end() + 4 : m.end() + 12]) for m in re.finditer(rb"ispe", data)]
    if not sizes:
        return None
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    at = data.find(b"pixi")
    channels, bits = (data[at + 8], data[at + 9]) if at >= 0 else (3, 8)
    alpha = b":alpha" in data
    return _coded("AVIF", width, height, channels=channels + alpha, bits=bits, alpha=alpha)


def _coded(
    kind: str, width: int, height: int, *, channels: int, bits: int, alpha: bool = False, signed: bool = False
) -> Header:
    dtype = f"{'' if signed else 'u'}int{8 if bits <= 8 else 16 if bits <= 16 else 32}"
    return Header(kind, width, height, channels, dtype, bits, alpha, plain=dtype == "uint8")


def _npy(read: Bytes) -> Header | None:
    shape, dtype = npy_shape(read)
    found = image_shape(shape)
    if found is None:
        return None
    height, width, channels = found
    return Header("NumPy", width, height, channels, dtype, plain=False, colours=array_colours(dtype))


def array_colours(dtype: str) -> bool:
    """Return whether an array's three channels are taken for colours: photographs are kept in 8 bits or as floats."""
    return dtype == "uint8" or dtype.startswith("float")


_TIFF_TYPES = {(1, 8): "uint8", (1, 16): "uint16", (1, 32): "uint32", (2, 8): "int8", (2, 16): "int16"} | {
    (2, 32): "int32", (3, 16): "float16", (3, 32): "float32", (3, 64): "float64", (1, 64): "uint64", (2, 64): "int64",
}  # fmt: skip
BESIDE_ANOTHER = 1 | 4
"""Bits of a TIFF page's NewSubfileType, the thumbnail or the mask of another page: maps have both in one file."""
_IN_COLOUR = (2, 3, 5, 6)  # RGB, a palette, CMYK, YCbCr; 0 and 1 are shades of grey
_PAGES = 4096  # most pages of a TIFF that are counted
_PLAIN_TIFF = (1, 2, 5, 6, 7, 8, 32773, 32946)  # compressions that Pillow's own libtiff reads


def _tiff(read: Bytes) -> Header | None:
    order = "<" if read(0, 2) == b"II" else ">"
    big = struct.unpack(order + "H", read(2, 2))[0] == 43
    at = struct.unpack(order + ("Q" if big else "I"), read(8 if big else 4, 8 if big else 4))[0]
    first, pages, seen = None, 0, set[int]()
    while at and at not in seen and len(seen) < _PAGES:  # the last may name an earlier one as the next
        seen.add(at)
        tags, at = _directory(read, order, big, at=at)
        if tags.get(254, (0,))[0] & BESIDE_ANOTHER and pages:
            continue
        pages += 1
        if first is None:
            first = tags
    return None if first is None else _tiff_header(first, pages)


def _tiff_header(tags: dict[int, tuple[int, ...]], pages: int) -> Header | None:
    width, height = tags[256][0], tags[257][0]
    bits, samples = tags.get(258, (1,)), tags.get(277, (1,))[0]
    photometric = tags.get(262, (1,))[0]
    palette = photometric == 3
    dtype = _TIFF_TYPES.get((tags.get(339, (1,))[0], max(bits)), "uint8" if max(bits) < 8 else "")
    if max(bits) in (10, 12, 14):
        dtype = "uint16"
    if not dtype:
        return None
    usual = samples == {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}.get(photometric, -1)
    plain = dtype == "uint8" and usual and pages == 1 and tags.get(259, (1,))[0] in _PLAIN_TIFF
    channels = 3 if palette or photometric == 5 else samples
    colours = tiff_colours(photometric, pages)
    return Header("TIFF", width, height, channels * pages, dtype, max(bits), False, pages, plain, colours=colours)


def tiff_colours(photometric: int, pages: int) -> bool:
    """Return whether a TIFF's tag says that its channels are colours, which those of several pages are not."""
    return photometric in _IN_COLOUR and pages == 1


_SIZES = {1: (1, "B"), 3: (2, "H"), 4: (4, "I"), 16: (8, "Q")}


def _directory(read: Bytes, order: str, big: bool, *, at: int) -> tuple[dict[int, tuple[int, ...]], int]:
    """Return the numeric tags that matter here of one image file directory, and the offset of the next directory."""
    count = struct.unpack(order + ("Q" if big else "H"), read(at, 8 if big else 2))[0]
    start, entry = at + (8 if big else 2), 20 if big else 12
    if count > 4096:
        raise ValueError("not an image file directory")
    table = read(start, count * entry)
    tags: dict[int, tuple[int, ...]] = {}
    for index in range(count):
        raw = table[index * entry : (index + 1) * entry]
        tag, kind = struct.unpack(order + "HH", raw[:4])
        if tag not in (254, 256, 257, 258, 259, 262, 277, 338, 339) or kind not in _SIZES:
            continue
        number = struct.unpack(order + ("Q" if big else "I"), raw[4 : 12 if big else 8])[0]
        size, code = _SIZES[kind]
        inline = raw[12:] if big else raw[8:]
        number = min(number, 64)
        if size * number > len(inline):
            inline = read(struct.unpack(order + ("Q" if big else "I"), inline)[0], size * number)
        tags[tag] = struct.unpack(order + code * number, inline[: size * number])
    following = read(start + count * entry, 8 if big else 4)
    return tags, struct.unpack(order + ("Q" if big else "I"), following)[0]


_PARSERS: tuple[tuple[bytes, Callable[[Bytes], Header | None]], ...] = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"RIFF", _webp),
    (b"GIF8", _gif),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
    (b"II+\0", _tiff),
    (b"MM\0+", _tiff),
    (b"BM", _bmp),
    *((b"P%d" % number, _netpbm) for number in range(1, 7)),
    *((b"P7\n", _pam), (b"PF\n", _pfm), (b"Pf\n", _pfm)),
    (b"\0\0\0\x0cjP  ", _jp2),
    (b"\xff\x4f\xff\x51", _jp2),
    (b"\x93NUMPY", _npy),
    (b"ftyp", _iso),
)
