"""Choose how many images pass the network at once (`--micro-batch`), as asked or as memory allows."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import torch
from torch import Tensor

from simclr_tui.train.observe.knn import evaluating
from simclr_tui.train.train_state import Training

_SHARE = 0.7  # of the free memory that a chunk's activations may take
_FEW = 4  # images whose activations tell those of more


def choose_chunk(run: Training) -> int:
    """Return how many images of the local batch pass at once; all processes choose the same number."""
    asked = run.recipe.micro_batch
    if asked == "off":
        return run.local_batch
    if asked != "auto":
        return min(int(asked), run.local_batch)
    # In eval mode, where batch norm keeps as much for its gradient but asks no other process and learns nothing.
    with evaluating(run.encoder), evaluating(run.head):
        fits = _fits_gpu(run) if run.compute.device.type == "cuda" else _fits_host(run)
        return largest_chunk(run.local_batch, lambda images: not run.group.any_rank(not fits(images)))


def _forward(run: Training, images: int) -> Tensor:
    side, compute = run.recipe.image_size, run.compute
    views = torch.rand(2 * images, run.encoder.channels, side, side, device=compute.device)
    views = views.contiguous(memory_format=torch.channels_last)
    with torch.autocast(compute.device.type, compute.autocast, enabled=compute.autocast is not None):
        return run.head(run.encoder(views))  # type: ignore[no-any-return]


def largest_chunk(images: int, fits: Callable[[int], bool]) -> int:
    """Return the first of `images`, its half, a quarter, … that fits; 1 where none does."""
    while images > 1 and not fits(images):
        images = -(-images // 2)
    return images


def _fits_gpu(run: Training) -> Callable[[int], bool]:
    """Whether a forward and backward pass of so many images ends without running out of the GPU's memory."""

    def fits(images: int) -> bool:
        try:
            _forward(run, images).sum().backward()
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            return False
        finally:
            run.optimizer.zero_grad()
        return True

    return fits


def _fits_host(run: Training) -> Callable[[int], bool]:
    """Whether the activations of so many images fit into the memory that is free, judged by those of a few: on a CPU,
    trying it could end other processes."""
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        kept = _forward(run, _FEW)  # held, so that no storage is counted twice under a reused address
    each = sum(saved.values()) / _FEW
    del kept
    return lambda images: images * each < _SHARE * psutil.virtual_memory().available
