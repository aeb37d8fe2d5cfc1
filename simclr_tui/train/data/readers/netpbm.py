"""Read PGM and PPM of more than 8 bits, which Pillow stretches or cuts to other values, and PAM and PFM."""

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
    """Return the image, (H, W, C), in the file's own values, from 0 to the maximum that it names. Raises ValueError."""
    data = file if isinstance(file, bytes) else file.read_bytes()
    if data[:2] in (b"P7", b"PF", b"Pf"):
        return _pam(data, header) if data[:2] == b"P7" else _pfm(data, header)
    match = _HEAD.match(data)
    if match is None:
        raise ValueError("no Netpbm header")
    shape = (header.height, header.width, header.channels)
    count = header.height * header.width * header.channels
    if match[1] in (b"P2", b"P3"):
        found = np.array(data[match.end() :].split()[:count], np.uint16)
    elif match[1] in (b"P5", b"P6"):
        return _from_bytes(data, match.end(), header, dtype=">u2" if int(match[4]) > 255 else "u1").astype(header.dtype)
    else:
        raise DataError("a PBM of one bit has no range of values", "convert it to PNG")
    return found.reshape(shape).astype(header.dtype)


def _pam(data: bytes, header: Header) -> Values:
    start = data.index(_END_OF_PAM) + len(_END_OF_PAM)
    dtype = ">u2" if header.dtype == "uint16" else "u1"
    return _from_bytes(data, start, header, dtype=dtype).astype(header.dtype)


_END_OF_PAM = b"ENDHDR\n"


def _pfm(data: bytes, header: Header) -> Values:
    """Return an image of floats, whose rows are stored from the bottom up; a scale below zero means little-endian."""
    match = _HEAD_OF_PFM.match(data)
    if match is None:
        raise ValueError("no PFM header")
    dtype = "<f4" if float(match[1]) < 0 else ">f4"
    return _from_bytes(data, match.end(), header, dtype=dtype)[::-1].astype(header.dtype)


_HEAD_OF_PFM = re.compile(rb"P[Ff]\s+\d+\s+\d+\s+(\S+)\s")


def _from_bytes(data: bytes, start: int, header: Header, *, dtype: str) -> Values:
    count = header.height * header.width * header.channels
    return np.frombuffer(data, dtype, count, start).reshape(header.height, header.width, header.channels)
