"""Walk the fields of a protocol buffer without its schema: event files and .wandb files need only a few of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

Field = int | float | bytes
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def walk(data: bytes) -> Iterator[tuple[int, Field]]:
    """Yield the number and value of each field: an int, a float (fixed 32 and 64 bits), or the bytes of the rest.

    Raises ValueError where the message is damaged.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        length = {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
        if kind == _BYTES:
            length, at = _varint(data, at)
        if length < 0 or at + length > len(data):
            raise ValueError(f"damaged message: a field of kind {kind} at byte {at}")
        chunk = data[at : at + length]
        at += length
        yield key >> 3, chunk if kind == _BYTES else _real(chunk)


def values_of(data: bytes, number: int) -> list[Field]:
    """Return every value of one field, in order. Raises ValueError where the message is damaged."""
    return [value for found, value in walk(data) if found == number]


def text_of(data: bytes, number: int) -> str:
    """Return the last text of one field, empty where there is none. Raises ValueError where it is damaged."""
    found = [value for value in values_of(data, number) if isinstance(value, bytes)]
    return found[-1].decode("utf-8", "replace") if found else ""


def signed(value: int) -> int:
    """Return a 64-bit integer with the sign that its varint holds."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _real(chunk: bytes) -> float:
    (value,) = struct.unpack("<d" if len(chunk) == 8 else "<f", chunk)
    return float(value)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise ValueError(f"damaged message: a number without an end at byte {at}")
