"""The batches of coming steps, ahead of time where they do not live on the device."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simclr_tui.train.data.batches import Source

_AHEAD = 2  # batches gathered while the device works on another

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class _Arrived:
    """Hold a batch on the device, once `copied` (None: already)."""

    images: Tensor
    copied: torch.cuda.Event | None


class Feed:
    """Give images of step after step, in order: `ids(step)` (N,) says which, from `first` to before `last`.

    Where images are in memory that the step can read, they are taken when asked for. Elsewhere threads gather them
    `_AHEAD` steps before, and on a GPU copy them from pinned memory on a stream of their own. What a batch holds
    depends on its step alone, so nothing of this is part of a run's state.
    """

    def __init__(
        self, source: Source, device: torch.device, ids: Callable[[int], Ids], *, first: int, last: int
    ) -> None:
        self._source, self._device, self._ids = source, device, ids
        self._next, self._last = first, last
        self._coming: deque[tuple[Ids, Future[_Arrived]]] = deque()
        self._pool = ThreadPoolExecutor(_AHEAD, "feed") if source.resident is None else None
        self._stream = torch.cuda.Stream(device) if self._pool and device.type == "cuda" else None
        self._buffers: deque[tuple[Tensor, torch.cuda.Event | None]] = deque()

    def take(self) -> tuple[Ids, Tensor]:
        """Return the next step's ids and images (N, C, S, S), uint8 or uint16 on the device.

        Raises DataError where too many images turn out to be damaged.
        """
        if self._pool is None:
            ids = self._ids(self._next)
            self._next += 1
            return ids, self._source.batch(ids)
        self._look_ahead(self._pool)
        ids, coming = self._coming.popleft()
        arrived = coming.result()
        self._look_ahead(self._pool)
        if arrived.copied is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(arrived.copied)
            arrived.images.record_stream(current)
        return ids, arrived.images

    def _look_ahead(self, pool: ThreadPoolExecutor) -> None:
        while self._next < self._last and len(self._coming) < _AHEAD:
            ids = self._ids(self._next)
            self._coming.append((ids, pool.submit(self._gather, ids)))
            self._next += 1

    def _gather(self, ids: Ids) -> _Arrived:
        if self._stream is None:
            return _Arrived(self._source.gather(ids), None)
        buffer, copied = self._buffers.popleft() if len(self._buffers) >= _AHEAD else (None, None)
        if copied is not None:
            copied.synchronize()  # this thread alone waits
        with torch.cuda.stream(self._stream):  # and its device, which a new thread does not know
            pinned = self._source.gather(ids, buffer)
            images = pinned.to(self._device, non_blocking=True)
            copied = torch.cuda.Event()
            copied.record(self._stream)
        self._buffers.append((pinned, copied))
        return _Arrived(images, copied)

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
