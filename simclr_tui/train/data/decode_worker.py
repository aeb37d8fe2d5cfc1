"""A process that decodes images for the trainer: file names come on standard input, pixels go to shared memory.

`python -m simclr_tui.train.data.decode_worker FD SIDE ROOT`. It ends when its standard input does, and so with the
trainer, however that ends: nothing has to be told, and nothing of it is left.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
from pathlib import Path

import numpy as np

from simclr_tui.store.process import end_with_parent
from simclr_tui.train.data.decode import decode
from simclr_tui.train.data.decode_pool import NAMES_LENGTH, TASK_IMAGES


def main() -> None:
    # A stop is for the trainer alone, which still needs images for the step that it is in.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent(signal.SIGKILL)  # for one that is stopped, and does not see that its input has ended
    fd, side, root = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    memory = mmap.mmap(fd, TASK_IMAGES * 3 * side * side)
    out = np.frombuffer(memory, np.uint8).reshape(TASK_IMAGES, 3, side, side)
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    while len(head := asked.read(NAMES_LENGTH.size)) == NAMES_LENGTH.size:
        names = asked.read(NAMES_LENGTH.unpack(head)[0]).split(b"\0")
        answers.write(bytes(_decoded(root / os.fsdecode(name), out[place]) for place, name in enumerate(names)))
        answers.flush()


def _decoded(file: Path, out: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bool:
    """Decoders raise all sorts of things for a damaged file, and each means only that."""
    try:
        out[:] = decode(file, out.shape[-1])
    except Exception:
        return False
    return True


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # the trainer was killed while an answer was on its way
        os._exit(0)
