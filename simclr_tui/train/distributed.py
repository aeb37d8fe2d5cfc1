"""The processes that train one run together, each on its shard of every batch (§2.2: negatives and batch norm are of
the global batch).

Torchrun starts them and sets each one's rank in the environment; without torchrun there is one process. Tensors on a
GPU travel by NCCL, all others by gloo.
"""

from __future__ import annotations

import contextlib
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

_TIMEOUT = timedelta(days=1)  # while one process evaluates or saves, the others wait; a dead one is noticed at once


@dataclass(frozen=True)
class ProcessGroup:
    """Hold this process's rank among `size` processes; `local_rank` and `local_size` count those of this machine.

    Rank 0 evaluates, saves and writes the run folder.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def is_first(self) -> bool:
        """Return whether this is rank 0, the process that writes."""
        return self.rank == 0

    def shard(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return this process's part of a batch's ids; all parts, in rank order, are the batch."""
        count = len(samples) // self.size
        return samples[self.rank * count : (self.rank + 1) * count]

    def all_gather(self, tensor: Tensor) -> Tensor:
        """Return every process's tensor, stacked (size, …), and let the gradient flow back to each.

        The gradient of a process's tensor is the sum of what all processes' losses say of it.
        """
        if self.size == 1:
            return tensor[None]
        gathered: Tensor = _Gather.apply(tensor, self.rank, self.size)  # type: ignore[no-untyped-call]
        return gathered

    @torch.no_grad()
    def all_reduce_mean(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the processes, with one message for all tensors of a type."""
        if self.size == 1:
            return
        for dtype in {tensor.dtype for tensor in tensors}:
            same_type = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.reshape(-1) for tensor in same_type])
            dist.all_reduce(flat)
            parts = flat.div_(self.size).split([tensor.numel() for tensor in same_type])
            torch._foreach_copy_(
                same_type, [part.view_as(tensor) for part, tensor in zip(parts, same_type, strict=True)]
            )

    def any_rank(self, asked: bool) -> bool:
        """Return whether `asked` is true in any process. All must call it; it does not wait for a GPU."""
        if self.size == 1:
            return asked
        flag = torch.tensor(int(asked))
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def barrier(self) -> None:
        """Wait until every process has called this."""
        self.any_rank(False)


SINGLE_PROCESS = ProcessGroup()


def join_process_group() -> ProcessGroup:
    """Join the processes that torchrun started beside this one; a single process where it started none."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return SINGLE_PROCESS
    env = {name: int(os.environ[name]) for name in ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE")}
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    dist.init_process_group(backend, timeout=_TIMEOUT)
    return ProcessGroup(env["RANK"], size, env["LOCAL_RANK"], env["LOCAL_WORLD_SIZE"])


def leave_process_group() -> None:
    """Give back the connections to the other processes, if there are any; NCCL warns where a process exits without."""
    if dist.is_initialized():
        with contextlib.suppress(RuntimeError):  # of a group that another process has left in the middle
            dist.destroy_process_group()


def is_connection_lost(error: Exception) -> bool:
    """Return whether the error says that another process has gone, and not what went wrong in this one."""
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
