"""Processes that decode image files, as many as there are cores for this one."""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
import queue
import select
import struct
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cached_property
from typing import IO

import numpy as np

from simclr_tui.errors import DataError, SimclrError
from simclr_tui.interpreter import python_module
from simclr_tui.limits import usable_cores
from simclr_tui.recipe.refusals import refusal, together
from simclr_tui.text import safe
from simclr_tui.train.data.pixels import Pixels, Shapes
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.sources.protocol import Source, pixels_of

TASK_IMAGES = 8
"""Images per task: one exchange with a decoder process."""
NAMES_LENGTH = struct.Struct("<I")
"""A task is the byte count of its names, then the names joined by NUL; the answer is a byte each, 1 if decoded."""
REFUSED = 2
"""The answer for an image that is not damaged, but refused with a DataError."""
OTHER_IMAGES = 3
"""The exit code of a process to whom a function gave other images than to this one."""
ANSWER_TIMEOUT = 45.0
"""Seconds after which a decoder that has not answered is taken to hang; a disk may have to wake up first."""
_LOOK = 0.5  # seconds

# Of a decoder: memory that an image leaves is kept for the next one. Glibc hands pieces of this size back to the kernel
# at once, and taking them again (and clearing them) costs as much as half the decoding.
_HEAP = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}


class Decoders:
    """Decode images of `source` into pixels as `scaling` says. Any thread may ask; the first to ask is served first.

    Processes and not threads: what a thread does between two images would hold up the one that launches kernels. They
    are started when there is work for them, and end with this process.
    """

    def __init__(self, source: Source, scaling: Scaling, count: int = 0) -> None:
        self.source, self.scaling = source, scaling
        self._count = count or _cores()
        self._idle: queue.LifoQueue[_Decoder] = queue.LifoQueue()

    def decode(self, names: Sequence[str], out: Pixels, shapes: Shapes | None = None) -> list[int]:
        """Fill `out` (len(names), C, side, side), and `shapes` (len(names), 2) with the images' own heights and widths.

        Returns the places of those that are damaged.

        Raises SimclrError where a process was killed or hangs, DataError for an image that is refused.
        """
        starts = range(0, len(names), TASK_IMAGES)
        shapes = np.empty((len(names), 2), np.int32) if shapes is None else shapes
        tasks = (slice(at, at + TASK_IMAGES) for at in starts)
        parts = self._pool.map(lambda task: self._some(names[task], out[task], shapes[task]), tasks)
        return [at + place for at, bad in zip(starts, parts, strict=True) for place in bad]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """Keep one thread waiting for each process."""
        return ThreadPoolExecutor(self._count, "decoder")

    def _some(self, names: Sequence[str], out: Pixels, shapes: Shapes) -> list[int]:
        try:
            decoder = self._idle.get_nowait()
        except queue.Empty:
            decoder = _Decoder(self.source, self.scaling, names)
        bad = decoder.decode(list(names), out, shapes)
        self._idle.put(decoder)
        return bad

    def close(self) -> None:
        """End the processes; a later request would start new ones."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return


class _Decoder:
    """Run one decoder process, which returns pixels through shared memory."""

    def __init__(self, source: Source, scaling: Scaling, names: Sequence[str]) -> None:
        self._source, self._scaling = source, scaling
        # Without a name, so that none is left where everything is killed.
        fd = os.memfd_create("simclr-decoder")
        try:
            os.ftruncate(fd, task_bytes(scaling))
            self._memory = mmap.mmap(fd, task_bytes(scaling))
            how = json.dumps(asdict(scaling))
            known = json.dumps(_of_values(source, names))
            command = python_module("simclr_tui.train.data.decode_worker", str(fd), how, source.spec, known)
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[fd], env=_HEAP | dict(os.environ)
            )
        finally:
            os.close(fd)
        self._pixels, self._shapes = task_arrays(self._memory, scaling)

    def decode(self, names: list[str], out: Pixels, shapes: Shapes) -> list[int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        answer = b""
        with contextlib.suppress(BrokenPipeError):
            packed = b"\0".join(map(os.fsencode, names))
            self._process.stdin.write(NAMES_LENGTH.pack(len(packed)) + packed)
            self._process.stdin.flush()
            self._wait_for_answer(self._process.stdout)
            answer = self._process.stdout.read(len(names))
        if len(answer) < len(names):
            code = self._process.wait()
            if code == OTHER_IMAGES:
                raise DataError(
                    f"{safe(self._source.spec)} gives other images each time it is called",
                    "fix the seed by which it draws or shuffles them",
                )
            raise SimclrError(
                f"a process that decodes images ended with code {code}",
                "if memory is short, give fewer --threads or a smaller --image-size; then resume the run",
            )
        out[:], shapes[:] = self._pixels[: len(names)], self._shapes[: len(names)]
        for place, name in enumerate(names):
            if answer[place] == REFUSED:
                self._refuse(name)
        return [place for place, good in enumerate(answer) if not good]

    def _refuse(self, name: str) -> None:
        """Raise the DataError that the decoder's process met, by meeting it here."""
        try:
            pixels_of(self._source, name, self._scaling)
        except DataError as error:
            raise together([refusal(error, name)]) from None

    def _wait_for_answer(self, answers: IO[bytes]) -> None:
        # Looks are counted, not seconds: where this process was stopped as well, all of that time is one look.
        poll = select.poll()
        poll.register(answers, select.POLLIN)
        for _ in range(math.ceil(ANSWER_TIMEOUT / _LOOK)):
            if poll.poll(_LOOK * 1000):
                return
        self._process.kill()
        raise SimclrError(
            f"a process that decodes images gave no answer for {ANSWER_TIMEOUT:.0f} s",
            "look whether the disk of the images answers; then resume the run",
        )

    def close(self) -> None:
        self._process.kill()  # it keeps nothing; and its input may be held open by a process that this one forked
        self._process.communicate()


def _of_values(source: Source, names: Sequence[str]) -> dict[str, str]:
    """Return the stamps of images that are stamped by their values, not by the size and time of a file."""
    stamps = {name: source.stamp(name) for name in names}
    return {name: stamp for name, stamp in stamps.items() if " " not in stamp}


def task_bytes(scaling: Scaling) -> int:
    """Return the bytes of the memory that a decoder's process shares: a task's pixels, then its images' shapes."""
    return TASK_IMAGES * (scaling.bytes + 2 * np.dtype(np.int32).itemsize)


def task_arrays(memory: mmap.mmap, scaling: Scaling) -> tuple[Pixels, Shapes]:
    """Return that memory as pixels (TASK_IMAGES, C, side, side) and shapes (TASK_IMAGES, 2)."""
    count = TASK_IMAGES * scaling.bytes
    pixels: Pixels = np.frombuffer(memory, scaling.dtype, count // np.dtype(scaling.dtype).itemsize)
    shapes: Shapes = np.frombuffer(memory, np.int32, 2 * TASK_IMAGES, count)
    return pixels.reshape(TASK_IMAGES, *scaling.shape), shapes.reshape(TASK_IMAGES, 2)


def _cores() -> int:
    """Return the cores that this process may use, divided among the processes that train on this machine."""
    return max(1, usable_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
