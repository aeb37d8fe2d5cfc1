"""Write checkpoints while training goes on: in one thread, from a copy of the state."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from simclr_tui.paths import RunPaths
from simclr_tui.store.checkpoints import Manifest, best_of
from simclr_tui.train.persist import checkpoint


class Saver:
    """Save one checkpoint at a time; `outcome` returns what became of it.

    A `kill -9` meanwhile leaves the older checkpoints: a file without its manifest does not count.
    """

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._pool = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future[Manifest] | None = None
        self.step = -1  # of the save that was begun last
        self._knn: float | None = None  # of that save, until its outcome was taken
        self._best: Manifest | None = None

    def resume(self, known: list[Manifest], step: int) -> None:
        """Learn which checkpoint was the best when training goes on after `step`; later ones are trained anew."""
        self._best = best_of(manifest for manifest in known if manifest.step <= step)

    def is_best(self, knn: float) -> bool:
        """Return whether no checkpoint so far, written or being written, reached this validation accuracy."""
        best = None if self._best is None else self._best.knn
        return all(other is None or knn > other for other in (best, self._knn))

    def begin(self, state: dict[str, Any], step: int, epoch: float, *, knn: float | None = None) -> None:
        """Copy the state, and write the copy. The outcome of the save before must have been taken.

        `knn` is the accuracy by which the best checkpoint is kept besides the newest two.
        """
        if self._writing is not None:
            raise RuntimeError("another checkpoint is being written")
        copy, wait = snapshot(state)
        self.step, self._knn, best = step, knn, self._best

        def write() -> Manifest:
            wait()
            return checkpoint.save(self._paths, copy, step, epoch=epoch, knn=knn, best=best)

        self._writing = self._pool.submit(write)

    def outcome(self, wait: bool) -> Manifest | OSError | None:
        """Return the save's manifest or OSError, once; None where no save has ended. Other errors are raised."""
        if self._writing is None or not (wait or self._writing.done()):
            return None
        writing, self._writing = self._writing, None
        self._knn = None
        try:
            manifest = writing.result()
        except OSError as error:
            return error
        self._best = best_of(filter(None, (self._best, manifest)))
        return manifest


def snapshot(state: dict[str, Any]) -> tuple[dict[str, Any], Callable[[], None]]:
    """Return a copy of the state on the host, and a function that waits until it is complete.

    Copies from a GPU are queued behind its kernels, into pinned memory: the host does not wait.
    """
    devices: set[torch.device] = set()

    def copied(value: Any) -> Any:
        if isinstance(value, Tensor):
            if not value.is_cuda:
                return value.clone()
            devices.add(value.device)
            return torch.empty_like(value, device="cpu", pin_memory=True).copy_(value, non_blocking=True)
        if isinstance(value, dict):
            return {key: copied(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(copied(inner) for inner in value)
        return value

    copy = copied(state)
    events = [torch.cuda.current_stream(device).record_event() for device in devices]

    def wait() -> None:
        for event in events:
            event.synchronize()

    return copy, wait
