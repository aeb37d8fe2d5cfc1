"""Write TensorBoard's event files without TensorBoard: records of protocol buffers with masked CRC-32C checksums.

Only the messages that scalars need are supported, with these field numbers: `Event` (wall_time 1, step 2,
file_version 3, summary 5), `Summary` (value 1) and `Summary.Value` (tag 1, simple_value 2, a float32).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_POLYNOMIAL = 0x82F63B78  # Castagnoli polynomial, reflected
Row = tuple[float, int, Mapping[str, float]]
"""Wall time in seconds of the Unix epoch, step, and the value of each metric."""


def event_file(began: float, rows: Iterable[Row]) -> bytes:
    """Return a whole event file: its version, then one event per row."""
    version = _double(1, began) + _message(3, b"brain.Event:2")
    return b"".join([_record(version), *(_record(_event(*row)) for row in rows)])


def crc32c(data: bytes) -> int:
    """Return the CRC-32C checksum of `data` (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _event(wall: float, step: int, values: Mapping[str, float]) -> bytes:
    summary = b"".join(_message(1, _message(1, tag.encode()) + _float(2, value)) for tag, value in values.items())
    return _double(1, wall) + _key(2, _VARINT) + _varint(step) + _message(5, summary)


def _record(data: bytes) -> bytes:
    """Return a record: the length and its checksum, then the data and its checksum."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def masked_crc32c(data: bytes) -> int:
    """Return the masked checksum that the format requires: CRC-32C rotated by 15 bits, plus a constant.

    Masking keeps a checksum useful for data that itself contains checksums.
    """
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    return struct.pack("<I", masked_crc32c(data))


def _message(field: int, data: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(data)) + data


def _double(field: int, value: float) -> bytes:
    return _key(field, _FIXED64) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    """Return a float32 field; a value beyond float32's range becomes infinity, as in a cast."""
    try:
        packed = struct.pack("<f", value)
    except OverflowError:
        packed = struct.pack("<f", float("inf") if value > 0 else float("-inf"))
    return _key(field, _FIXED32) + packed


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()
