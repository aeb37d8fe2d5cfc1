"""A process that decodes images for the trainer: file names come on standard input, pixels go to shared memory.

`python -m simclr_tui.train.data.decode_worker FD SCALING SOURCE STAMPS`. It ends when its standard input does, and so
with the trainer, however that ends: nothing has to be told, and nothing of it is left.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import signal
import sys

from simclr_tui.errors import DataError
from simclr_tui.store.process import end_with_parent
from simclr_tui.train.data.decode_pool import NAMES_LENGTH, OTHER_IMAGES, REFUSED, task_arrays, task_bytes
from simclr_tui.train.data.pixels import Pixels, Shapes
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.sources.open import open_source
from simclr_tui.train.data.sources.protocol import Source, shaped_pixels_of


def main() -> None:
    # A stop is for the trainer alone, which still needs images for the step that it is in.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent(signal.SIGKILL)  # for one that is stopped, and does not see that its input has ended
    fd, source = int(sys.argv[1]), open_source(sys.argv[3])
    if any(source.stamp(name) != stamp for name, stamp in json.loads(sys.argv[4]).items()):
        raise SystemExit(OTHER_IMAGES)  # a function that shuffles: the trainer's labels are not those of these
    scaling = Scaling.from_json(json.loads(sys.argv[2]))
    out, shapes = task_arrays(mmap.mmap(fd, task_bytes(scaling)), scaling)
    gc.freeze()  # what is imported is never garbage: a collection has the images alone to go through
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    while len(head := asked.read(NAMES_LENGTH.size)) == NAMES_LENGTH.size:
        names = asked.read(NAMES_LENGTH.unpack(head)[0]).split(b"\0")
        into = zip(names, out, shapes, strict=False)
        done = (_decoded(source, os.fsdecode(name), scaling, out=pixels, shape=shape) for name, pixels, shape in into)
        answers.write(bytes(done))
        answers.flush()


def _decoded(source: Source, name: str, scaling: Scaling, *, out: Pixels, shape: Shapes) -> int:
    """Decode one image. Decoders raise all sorts of things for a damaged file, and each means only that."""
    try:
        out[:], shape[:] = shaped_pixels_of(source, name, scaling)
    except DataError:
        return REFUSED
    except Exception:
        return 0
    return 1


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # the trainer was killed while an answer was on its way
        os._exit(0)
