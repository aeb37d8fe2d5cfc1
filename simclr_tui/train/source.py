"""Where batches come from: decoded images that live on the device when they fit, beside it when they do not."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_SHARE = 0.4  # of the device's free memory that images may take


class Source:
    """Gathers images by id: uint8 (N, 3, S, S) on the device."""

    def __init__(self, images: NDArray[np.uint8], device: torch.device) -> None:
        self._device = device
        host = torch.from_numpy(images)
        self._images = host.to(device) if _fits(images.nbytes, device) else host

    @property
    def side(self) -> int:
        return self._images.shape[-1]

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, samples: NDArray[np.int64]) -> Tensor:
        """The images of those ids, without waiting for the device."""
        index = torch.from_numpy(samples)
        if self._device.type == "cpu":
            return self._images[index]
        if self._images.device.type == "cuda":
            return self._images[index.pin_memory().to(self._device, non_blocking=True)]
        return self._images[index].pin_memory().to(self._device, non_blocking=True)


def _fits(count: int, device: torch.device) -> bool:
    """Whether `count` bytes leave enough of the device's memory to the network."""
    if device.type != "cuda":
        return False
    free, _total = torch.cuda.mem_get_info(device)
    return count < _SHARE * free
