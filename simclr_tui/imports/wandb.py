"""Read the offline files of Weights & Biases (`run-ID.wandb`), without wandb.

Such a file is a log as LevelDB writes it: blocks of 32 KiB, in which a record is one or several pieces, each with a
checksum; a record is a protocol buffer. Histories, configs, the run's name and its exit are read; the rest is not.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simclr_tui.errors import NotFoundError
from simclr_tui.imports.foreign_run import ForeignRun, flat
from simclr_tui.imports.protobuf import signed, text_of, values_of, walk

_BLOCK, _PIECE = 32768, 7  # bytes of a block, and of the head of a piece: checksum, length, kind
_HEAD = b":W&B"
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# Fields of a record.
_HISTORY, _CONFIG, _RUN, _EXIT = 2, 5, 17, 18


def read_wandb(folder: Path) -> Iterator[ForeignRun | str]:
    """Yield a run for each .wandb file in `folder`, or a sentence for one that cannot be read.

    Raises NotFoundError if there is none, or OSError.
    """
    files = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*.wandb") if path.is_file())
    if not files:
        raise NotFoundError(
            f"there are no .wandb files in {folder}", "name the folder wandb/ of runs logged with WANDB_MODE=offline"
        )
    for path in files:
        data = path.read_bytes()
        yield _read_run(path, data) if data[:4] == _HEAD else f"{path} is not a .wandb file: its head is another"


def _read_run(path: Path, data: bytes) -> ForeignRun:
    run = ForeignRun(path.stem, str(path), hashlib.sha256(data).hexdigest())
    run.state, run.reason = "lost", "imported: the file does not say that its run ended"
    damaged = 0
    for record in _records(data):
        try:
            if record is None:
                raise ValueError
            _read_record(run, record)
        except ValueError:
            damaged += 1
    if damaged:
        run.remarks.append(f"{path.name}: {damaged} damaged record{'s' if damaged > 1 else ''} passed over")
    return run


def _records(data: bytes) -> Iterator[bytes | None]:
    """Yield each record, None for a damaged one. A torn end, as of a file that is being written, is left out."""
    at, parts = _PIECE, b""  # the file's own head has the size of a piece's
    while at + _PIECE <= len(data):
        room = _BLOCK - at % _BLOCK
        if room < _PIECE:  # too little for a piece: filled with zeros
            at += room
            continue
        checksum, length, kind = struct.unpack_from("<IHB", data, at)
        start, end = at + _PIECE, at + _PIECE + length
        if length > room - _PIECE or kind not in (_FULL, _FIRST, _MIDDLE, _LAST):
            yield None
            at, parts = at + room, b""  # the next block begins with a piece
            continue
        if end > len(data):
            return
        piece = data[start:end]
        at = end
        if zlib.crc32(piece, zlib.crc32(bytes([kind]))) != checksum:
            yield None
            parts = b""
            continue
        parts = piece if kind in (_FULL, _FIRST) else parts + piece
        if kind in (_FULL, _LAST):
            yield parts
            parts = b""


def _read_record(run: ForeignRun, record: bytes) -> None:
    for number, content in walk(record):
        if not isinstance(content, bytes):
            continue
        if number == _HISTORY:
            _read_history(run, content)
        elif number == _CONFIG:
            _read_config(run, content)
        elif number == _RUN:
            _read_start(run, content)
        elif number == _EXIT:
            code = next((value for value in values_of(content, 1) if isinstance(value, int)), 0)
            run.state = "failed" if code else "finished"
            run.reason = f"imported: it ended with exit code {signed(code)}" if code else "imported"


def _read_start(run: ForeignRun, start: bytes) -> None:
    run.name = text_of(start, 8) or text_of(start, 1) or run.name
    run.note = text_of(start, 9)
    run.tags = [value.decode("utf-8", "replace") for value in values_of(start, 10) if isinstance(value, bytes)]
    for began in values_of(start, 17):  # seconds and nanoseconds
        seconds = next((value for value in values_of(_message(began), 1) if isinstance(value, int)), 0)
        run.created = float(seconds)
    for config in values_of(start, 4):
        _read_config(run, _message(config))


def _read_config(run: ForeignRun, config: bytes) -> None:
    given = {name: value for name, value in _items(config, 1) if not name.startswith("_wandb")}
    # A run's first config holds {"value": …} around each value, where it was given as a file.
    run.config |= flat({name: _unwrapped(value) for name, value in given.items()})


def _unwrapped(value: Any) -> Any:
    wrapped = isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "desc"}
    return value["value"] if wrapped else value


def _read_history(run: ForeignRun, history: bytes) -> None:
    values = dict(_items(history, 1))
    step = next((signed(value) for one in values_of(history, 2) for value in _whole(one)), None)
    given = values.pop("_step", None)
    step = given if step is None else step
    wall = values.get("_timestamp")
    for name, value in flat(values).items():
        if not name.startswith("_") and isinstance(value, int | float) and not isinstance(value, bool):
            run.add(name, step, float(value))
    if isinstance(wall, int | float) and isinstance(step, int | float):
        run.walls.setdefault(int(step), float(wall))


def _items(message: bytes, number: int) -> Iterator[tuple[str, Any]]:
    """Yield the key and value of each item of a history or a config; a nested key becomes a dotted one."""
    for item in values_of(message, number):
        fields: dict[int, Any] = {}
        nested: list[str] = []
        for place, value in walk(_message(item)):
            fields[place] = value
            if place == 2 and isinstance(value, bytes):
                nested.append(value.decode("utf-8", "replace"))
        name = fields[1].decode("utf-8", "replace") if 1 in fields else ".".join(nested)
        if 16 in fields:
            yield name, _json(fields[16])
        else:  # newer versions may store a number as such: an integer or a float
            yield name, signed(fields[5]) if 5 in fields else fields.get(6)


def _json(text: bytes) -> Any:
    """Return a JSON value; `NaN` and `Infinity`, which wandb writes as words, are numbers."""
    value = json.loads(text)
    words = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
    return words.get(value, value) if isinstance(value, str) else value


def _whole(step: object) -> list[int]:
    return [value for value in values_of(_message(step), 1) if isinstance(value, int)] or [0]


def _message(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"damaged message: {value!r} where a message should be")
    return value
