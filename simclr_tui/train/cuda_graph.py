"""Record a call's kernels as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

Replay = Callable[[], Tensor]


class Recorder(Protocol):
    """Record a call without carrying it out."""

    def on_stream(self) -> AbstractContextManager[None]:
        """Carry out what is within the with block where calls are recorded, in the order of the host's calls."""

    def record(self, call: Callable[[], Tensor]) -> Replay:
        """Return a function that carries the call out again, over the same memory, and returns its result."""

    def release_unused(self) -> None:
        """Give back the device's memory that nothing uses at present."""


class GraphRecorder:
    """Record on a stream of its own, as CUDA demands; `optimizer` is what steps in the call."""

    def __init__(self, device: torch.device, optimizer: Optimizer) -> None:
        self._stream = torch.cuda.Stream(device)
        self._optimizer = optimizer

    @contextmanager
    def on_stream(self) -> Iterator[None]:
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            yield
        current.wait_stream(self._stream)

    def record(self, call: Callable[[], Tensor]) -> Replay:
        graph = torch.cuda.CUDAGraph()
        # thread_local: the threads that gather batches and write checkpoints go on meanwhile.
        # on_stream: after a failure, torch's own context leaves the stream that recorded as the current one.
        with (
            self.on_stream(),
            _capturable(self._optimizer),
            torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"),
        ):
            result = call()

        def replay() -> Tensor:
            graph.replay()
            return result

        return replay

    def release_unused(self) -> None:
        torch.cuda.empty_cache()


@contextmanager
def _capturable(optimizer: Optimizer) -> Iterator[None]:
    """Let Adam be recorded: fused, it counts its steps on the device, but torch asks for the flag."""
    groups = [group for group in optimizer.param_groups if "capturable" in group]
    before = [group["capturable"] for group in groups]
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group, value in zip(groups, before, strict=True):
            group["capturable"] = value
