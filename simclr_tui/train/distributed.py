"""The processes that train one run together, each with its share of every batch (§2.2: negatives and batch norm are
of the global batch).

Started by torchrun, which tells each process its place in the environment; alone without it. Tensors on a GPU travel
by NCCL, all others by gloo.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

_PATIENCE = timedelta(days=1)  # while one process evaluates or saves, the others wait; a dead one is noticed at once


@dataclass(frozen=True)
class World:
    """`rank` 0 evaluates, saves and writes; `local` counts the processes of this machine alone."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """This process's part of a batch; the whole, in rank order, is the batch whatever the number of processes."""
        count = len(samples) // self.size
        return samples[self.rank * count : (self.rank + 1) * count]

    def gather(self, tensor: Tensor) -> Tensor:
        """Return every process's tensor, stacked (size, …), and let the gradient flow back to each.

        The gradient of a process's tensor is the sum of what all processes' losses say of it.
        """
        if self.size == 1:
            return tensor[None]
        gathered: Tensor = _Gather.apply(tensor, self.rank, self.size)  # type: ignore[no-untyped-call]
        return gathered

    @torch.no_grad()
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the processes: one message for all of one type."""
        if self.size == 1:
            return
        for dtype in {tensor.dtype for tensor in tensors}:
            alike = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.reshape(-1) for tensor in alike])
            dist.all_reduce(flat)
            parts = flat.div_(self.size).split([tensor.numel() for tensor in alike])
            torch._foreach_copy_(alike, [part.view_as(tensor) for part, tensor in zip(parts, alike, strict=True)])

    def agree(self, asked: bool) -> bool:
        """Whether any process asks. All must call it, and all get the same answer; it does not wait for a GPU."""
        if self.size == 1:
            return asked
        word = torch.tensor(int(asked))
        dist.all_reduce(word, dist.ReduceOp.MAX)
        return bool(word)

    def in_turn(self) -> None:
        """Wait for the others."""
        self.agree(False)


ALONE = World()


def join_world() -> World:
    """Meet the processes that torchrun started beside this one, if it did."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    place = {name: int(os.environ[name]) for name in ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE")}
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    dist.init_process_group(backend, timeout=_PATIENCE)
    return World(place["RANK"], size, place["LOCAL_RANK"], place["LOCAL_WORLD_SIZE"])


def is_loss_of_touch(error: Exception) -> bool:
    """Whether it says that another process has gone, and not what went wrong here."""
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in ("gloo", "nccl", "connection"))
    )


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor, rank: int, size: int) -> Tensor:
        ctx.rank = rank
        parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(size)]
        dist.all_gather(parts, tensor.contiguous())
        return torch.stack(parts)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        grad = grads[0].contiguous()
        dist.all_reduce(grad)
        return grad[ctx.rank], None, None
