"""Read binary PGM and PPM of more than 8 bits, which Pillow stretches or cuts to other values."""

from __future__ import annotations

import re

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.recipe.image_headers import Header, read_header
from simclr_tui.train.data.readers.protocol import File, Values

_HEAD = re.compile(rb"(P[1-6])(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)\s")


def header(file: File) -> Header:
    """Return what the first line of the file says. Raises ValueError."""
    found = read_header(file)
    if found is None:
        raise ValueError("no Netpbm header")
    return found


def values(file: File, header: Header, at_least: int) -> Values:
    """Return the image, (H, W, C), in the file's own values, from 0 to the maximum that it names."""
    data = file if isinstance(file, bytes) else file.read_bytes()
    match = _HEAD.match(data)
    if match is None:
        raise ValueError("no Netpbm header")
    shape = (header.height, header.width, header.channels)
    count = header.height * header.width * header.channels
    if match[1] in (b"P2", b"P3"):
        found = np.array(data[match.end() :].split()[:count], np.uint16)
    elif match[1] in (b"P5", b"P6"):
        found = np.frombuffer(data, ">u2" if int(match[4]) > 255 else "u1", count, match.end())
    else:
        raise DataError("a PBM of one bit has no range of values", "convert it to PNG")
    return found.reshape(shape).astype(header.dtype)
