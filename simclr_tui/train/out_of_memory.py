"""Recognise that memory ran out, whoever noticed: the allocator, a library of the GPU, Python or the kernel."""

from __future__ import annotations

import errno

import torch

_WORDS = (
    "out of memory",
    "can't allocate memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUSOLVER_STATUS_ALLOC_FAILED",
    "CUFFT_ALLOC_FAILED",
    "cudaErrorMemoryAllocation",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the error says that there was no memory left, on the device or on the host."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # AcceleratorError and the errors of cuDNN and cuBLAS are RuntimeErrors that only their text tells apart.
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)
