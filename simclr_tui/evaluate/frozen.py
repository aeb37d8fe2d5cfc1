"""Prove that a frozen encoder stayed frozen: every parameter and buffer is unchanged, to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from simclr_tui.errors import EvaluationError
from simclr_tui.train.observe.knn import evaluating


def digest(model: nn.Module) -> str:
    """Return the SHA-256 over name, type, shape and bytes of all parameters and buffers, sorted by name."""
    found = hashlib.sha256()
    tensors = [*model.named_parameters(), *model.named_buffers()]
    for name, tensor in sorted(tensors, key=lambda pair: pair[0]):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


@contextmanager
def frozen(encoder: nn.Module) -> Iterator[str]:
    """Keep an encoder in eval mode inside a with block, which receives its digest.

    Raises EvaluationError at the end when a parameter or buffer has changed, or batch norm has left eval mode.
    """
    before = digest(encoder)
    with evaluating(encoder):
        yield before
        if digest(encoder) != before:
            raise EvaluationError(
                "the encoder changed while it was evaluated as frozen; nothing was recorded", "please report this"
            )
        if any(module.training for module in encoder.modules()):
            raise EvaluationError(
                "the encoder was in training mode while it was evaluated; nothing was recorded", "please report this"
            )
