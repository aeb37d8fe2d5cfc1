"""Tell from the shape of an array which of its axes are an image's rows, columns and channels."""

from __future__ import annotations

import ast
import struct
from collections.abc import Callable

_TYPES = {"u": "uint", "i": "int", "f": "float", "b": "bool"}


def dtype_name(code: str) -> str:
    """Return numpy's name for an array-protocol type string: `<u2` is uint16."""
    kind, size = code.lstrip("<>|="), 0
    size = int(kind[1:])
    return "bool" if kind[0] == "b" else f"{_TYPES[kind[0]]}{size * 8}"


def npy_shape(read: Callable[[int, int], bytes]) -> tuple[tuple[int, ...], str]:
    """Return the shape and type of the array in a .npy file. Raises ValueError or SyntaxError if it is not one."""
    wide = read(6, 1)[0] > 1
    length = struct.unpack("<I" if wide else "<H", read(8, 4 if wide else 2))[0]
    described = ast.literal_eval(read(12 if wide else 10, min(length, 1 << 16)).decode("latin-1").strip())
    return tuple(map(int, described["shape"])), dtype_name(described["descr"])


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return (height, width, channels) of an image stored as an array; None if the array is not an image.

    Two axes are rows and columns. Of three, see `channels_last`.
    """
    if len(shape) == 2:
        return shape[0], shape[1], 1
    if len(shape) != 3:
        return None
    return shape if channels_last(shape) else (shape[1], shape[2], shape[0])


def channels_last(shape: tuple[int, ...]) -> bool:
    """Return whether the last of an image's three axes holds the channels, else the first.

    Where two neighbouring axes are equal, the image is square and the third axis holds the channels; else the shorter
    one of the first and the last does. An array of a thousand and more channels is not thought of.
    """
    first, middle, last = shape
    if (first == middle) != (middle == last):
        outer = last if first == middle else first
        if outer <= _MOST_CHANNELS:
            return first == middle
    return last <= first


_MOST_CHANNELS = 1024
