"""Choose how many images pass the network at once (`--micro-batch`), as asked or as memory allows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from simclr_tui.limits import usable_memory
from simclr_tui.train.observe.knn import evaluating
from simclr_tui.train.out_of_memory import is_out_of_memory
from simclr_tui.train.train_state import Training

_MARGIN = 0.9  # of a GPU's memory that training may be known to take; the rest is fragments and libraries' workspaces
_LOGITS = 4  # matrices of (2n, 2N) that the loss and its gradient hold at once
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


def memory_beside_activations(run: Training) -> int:
    """Return the bytes that a step takes beside the weights, their gradients and the activations of a chunk.

    The optimiser's state (one value a weight, two for Adam), which does not exist before the first step, and the
    similarities of the local batch with the whole one, whatever the chunk.
    """
    weights = sum(parameter.numel() for module in (run.encoder, run.head) for parameter in module.parameters())
    states = 2 if run.recipe.optimizer in ("adam", "adamw") else 1
    logits = (2 * run.local_batch) * (2 * run.recipe.batch_size)
    return 4 * (states * weights + _LOGITS * logits)


def _fits_gpu(run: Training) -> Callable[[int], bool]:
    """Return whether forward and backward of so many images leave enough of the GPU's memory to the rest of a step."""
    free, total = torch.cuda.mem_get_info(run.compute.device)
    held = torch.cuda.memory_reserved(run.compute.device)
    available = min(free + held, _MARGIN * total)
    beside = memory_beside_activations(run)

    def fits(images: int) -> bool:
        torch.cuda.reset_peak_memory_stats(run.compute.device)
        try:
            _forward(run, images).sum().backward()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            torch.cuda.empty_cache()
            return False
        finally:
            run.optimizer.zero_grad()
        return torch.cuda.max_memory_allocated(run.compute.device) + beside <= available

    return fits


def _fits_host(run: Training) -> Callable[[int], bool]:
    """Return whether the activations of so many images fit into the memory that is free, judged by those of a few: on
    a CPU, trying it could end other processes."""
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        kept = _forward(run, _FEW)  # held, so that no storage is counted twice under a reused address
    each = sum(saved.values()) / _FEW
    del kept
    return lambda images: images * each < _SHARE * usable_memory().available
