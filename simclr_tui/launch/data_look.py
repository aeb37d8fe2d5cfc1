"""Look at a data set before training, in a process of its own, which decodes some of the images."""

from __future__ import annotations

import subprocess

import msgspec

from simclr_tui.errors import CancelledError, DataError
from simclr_tui.interpreter import python_module
from simclr_tui.launch.cancel import Cancel
from simclr_tui.recipe.data_sources import parse_source
from simclr_tui.recipe.datasets import absolute
from simclr_tui.recipe.reading import AS_0_1, Reading
from simclr_tui.store.data_report import DataReport
from simclr_tui.text import safe

_FIELDS = ("range", "channels", "labels", "tile")
_ASKED_FOR_ALONE = ("hf", "py")  # the one fetches, the other executes a person's code


def inspect_command(data: str, reading: Reading) -> list[str]:
    """Return the command that looks at a data set and prints a DataReport as JSON, its progress on stderr."""
    words = [f"--{name}={getattr(reading, name)}" for name in _FIELDS]
    return python_module("simclr_tui.train.data.inspect", absolute(data), *words)


def can_be_looked_at(data: str, reading: Reading) -> bool:
    """Return whether a form may look at a data set unasked: images of one's own, and no code or download of them.

    Runs begun under 0.1 read their images in another way than a look does.
    """
    source = parse_source(data)
    return source is not None and source.kind.prefix not in _ASKED_FOR_ALONE and AS_0_1 not in (
        reading.range, reading.split,
    )  # fmt: skip


def look_at_data(data: str, reading: Reading, cancel: Cancel) -> DataReport:
    """Return what a data set holds. Raises DataError where it cannot be read, CancelledError where `cancel` was asked.

    Processes that the look itself has started end with it.
    """
    command = inspect_command(data, reading)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        cancel.watch(process)
        try:
            answer, said = process.communicate()
        except BaseException:
            process.kill()
            raise
    if cancel.requested:
        raise CancelledError("cancelled")
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines()
        raise DataError(safe(lines[-1]) if lines else f"the look ended with code {process.returncode}")
    return msgspec.json.decode(answer, type=DataReport)
