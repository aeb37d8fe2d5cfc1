"""Read the scalars and hyperparameters of TensorBoard's event files, without TensorBoard.

A folder that holds event files is a run, as TensorBoard itself sees it. Scalars are those of `tf.summary.scalar`
(tensors) and of torch's and Lightning's `add_scalar` (simple values); images, histograms and graphs are passed over.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simclr_tui.errors import NotFoundError
from simclr_tui.imports.foreign_run import ForeignRun
from simclr_tui.imports.protobuf import signed, text_of, values_of, walk
from simclr_tui.store.export.tensorboard import masked_crc32c

_HEADER, _FOOTER = 12, 4  # bytes: a length and its checksum before each record, the record's checksum after it
_CHECKED = 1 << 16  # bytes of a record whose checksum is verified: a scalar is smaller, an image is passed over
_FLOAT, _DOUBLE = 1, 2  # TensorFlow's numbers of the two types that a scalar has


def read_tensorboard(folder: Path) -> Iterator[ForeignRun]:
    """Yield a run for each folder in `folder` that holds event files. Raises NotFoundError if none does, or OSError."""
    files = sorted(path for path in folder.rglob("*tfevents*") if path.is_file())
    if not files:
        raise NotFoundError(f"there are no TensorBoard event files in {folder}", "name the folder of a run or of runs")
    for home in sorted({path.parent for path in files}):
        name = "-".join(home.relative_to(folder).parts) or folder.resolve().name
        yield _read_run(name, home, [path for path in files if path.parent == home])


def _read_run(name: str, home: Path, files: list[Path]) -> ForeignRun:
    run = ForeignRun(name, str(home), "", reason="imported: an event file does not say how its run ended")
    digest = hashlib.sha256()
    reader = _Events(run)
    for path in files:
        data = path.read_bytes()
        digest.update(data)
        reader.read(path.name, data)
    run.digest = digest.hexdigest()
    return run


class _Events:
    """Collect the scalars of one run's event files into `run`."""

    def __init__(self, run: ForeignRun) -> None:
        self._run = run
        self._plugins: dict[str, str] = {}  # only the first summary of a tag says which plugin it is for

    def read(self, file: str, data: bytes) -> None:
        """Read one event file. A damaged record is passed over or ends the file, and a remark says so."""
        damaged = 0
        for record in _records(data):
            try:
                if record is None:
                    raise ValueError
                self._event(record)
            except (ValueError, struct.error):
                damaged += 1
        if damaged:
            self._run.remarks.append(f"{file}: {damaged} damaged record{'s' if damaged > 1 else ''} passed over")

    def _event(self, event: bytes) -> None:
        wall, step, summaries = 0.0, 0, []
        for number, value in walk(event):
            if number == 1 and isinstance(value, float):
                wall = value
            elif number == 2 and isinstance(value, int):
                step = signed(value)
            elif number == 5 and isinstance(value, bytes):
                summaries.append(value)
        self._run.created = min(self._run.created or wall, wall)
        for value in (one for summary in summaries for one in values_of(summary, 1)):
            if isinstance(value, bytes):
                self._value(value, step, wall)

    def _value(self, value: bytes, step: int, wall: float) -> None:
        tag = text_of(value, 1)
        for metadata in values_of(value, 9):
            plugin = next((one for one in values_of(_bytes(metadata), 1) if isinstance(one, bytes)), b"")
            self._plugins[tag] = text_of(plugin, 1)
            if self._plugins[tag] == "hparams":
                self._run.config |= _hyperparameters(plugin)
        scalar = _scalar(value, self._plugins.get(tag, "scalars"))
        if scalar is not None and self._run.add(tag, step, scalar):
            self._run.walls.setdefault(step, wall)


def _records(data: bytes) -> Iterator[bytes | None]:
    """Yield each record, None for a damaged one. A torn end, as of a file that is being written, is left out."""
    at = 0
    while at + _HEADER <= len(data):
        length, checksum = struct.unpack_from("<QI", data, at)
        if masked_crc32c(data[at : at + 8]) != checksum:
            yield None
            return  # nobody knows where the next record begins
        end = at + _HEADER + length
        if end + _FOOTER > len(data):
            return
        record = data[at + _HEADER : end]
        (checksum,) = struct.unpack_from("<I", data, end)
        intact = length > _CHECKED or masked_crc32c(record) == checksum
        yield record if intact else None
        at = end + _FOOTER


def _scalar(value: bytes, plugin: str) -> float | None:
    """Return the number in a summary's value; None for anything that is no scalar."""
    for number, found in walk(value):
        if number == 2 and isinstance(found, float):
            return found
        if number == 8 and isinstance(found, bytes) and plugin == "scalars":
            return _tensor(found)
    return None


def _tensor(tensor: bytes) -> float | None:
    """Return the one element of a tensor of 32 or 64-bit floats; None for any other."""
    found = dict(walk(tensor))
    kind = found.get(1)
    form = {_FLOAT: ("<f", 5), _DOUBLE: ("<d", 6)}.get(kind) if isinstance(kind, int) else None
    if form is None:
        return None
    packed = found.get(4) or found.get(form[1])
    if isinstance(packed, float):
        return packed
    return float(struct.unpack(form[0], packed)[0]) if isinstance(packed, bytes) else None


def _hyperparameters(plugin: bytes) -> dict[str, Any]:
    """Return what torch's and TensorFlow's hparams plugin say of a session: a map of names to numbers or text."""
    found: dict[str, Any] = {}
    for content in values_of(plugin, 2):
        for session in values_of(_bytes(content), 3):
            for entry in values_of(_bytes(session), 1):
                value = dict(walk(_bytes(next(iter(values_of(_bytes(entry), 2)), b""))))
                if 3 in value:
                    found[text_of(_bytes(entry), 1)] = _bytes(value[3]).decode("utf-8", "replace")
                elif 2 in value or 4 in value:
                    found[text_of(_bytes(entry), 1)] = value[2] if 2 in value else bool(value[4])
    return found


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"damaged message: {value!r} where a message should be")
    return value
