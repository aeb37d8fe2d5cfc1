"""Gather batches: from the device when the images fit there, from host memory when they do not, or from files."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simclr_tui.train.data.images import Images
from simclr_tui.train.data.lazy_images import FileImages
from simclr_tui.train.data.pixels import Shapes, levels_of
from simclr_tui.train.data.seal import BackgroundCheck
from simclr_tui.train.data.whole_images import stored
from simclr_tui.train.device import to_device

_SHARE = 0.4  # of the device's free memory that images may take


class Source:
    """Gather images as they are stored, by id: uint8 or uint16 (N, C, S, S) on the device."""

    def __init__(self, images: Images, device: torch.device, check: BackgroundCheck | None = None) -> None:
        self._device, self._check = device, check
        self.channels, self.levels = int(images.shape[1]), levels_of(images.dtype)
        self._dtype = torch.uint8 if self.levels == 255 else torch.uint16
        self._shapes: Shapes | None = None
        if isinstance(images, FileImages):
            self._images: FileImages | Tensor = images
        else:
            pixels, self._shapes = stored(images)
            self._images = torch.from_numpy(pixels)
        self.resident: Tensor | None = None
        if isinstance(self._images, Tensor) and (device.type != "cuda" or _fits(self._images.nbytes, device)):
            self.resident = self._images.to(device)

    @property
    def side(self) -> int:
        return self._images.shape[-1]

    def __len__(self) -> int:
        return len(self._images)

    def shapes(self, samples: NDArray[np.int64]) -> Shapes | None:
        """Return the heights and widths (N, 2) of images that have been gathered, None where all are square."""
        if isinstance(self._images, FileImages):
            return self._images.shapes(samples)
        return None if self._shapes is None else self._shapes[samples]

    def damaged(self) -> list[str]:
        """Return the names of the images that turned out to be damaged since the last call."""
        if self._check is not None:
            self._check.raise_if_failed()
        return [] if isinstance(self._images, Tensor) else self._images.damages.newly_found()

    def batch(self, samples: NDArray[np.int64]) -> Tensor:
        """Return the images of those ids, without waiting for the device."""
        if self.resident is None:
            return self.gather(samples).to(self._device, non_blocking=True)
        index = torch.from_numpy(samples)
        return self.resident[to_device(index, self._device)]

    def gather(self, samples: NDArray[np.int64], out: Tensor | None = None) -> Tensor:
        """Return the images of those ids in the host's memory, pinned for a GPU; in `out` (at least N, C, S, S) if
        given."""
        if out is None:
            shape = (len(samples), *self._images.shape[1:])
            out = torch.empty(shape, dtype=self._dtype, pin_memory=self._device.type == "cuda")
        out = out[: len(samples)]
        if isinstance(self._images, Tensor):
            return torch.index_select(self._images, 0, torch.from_numpy(samples), out=out)
        self._images.into(samples, out.numpy())
        return out


def _fits(count: int, device: torch.device) -> bool:
    """Return whether `count` bytes leave enough of the device's memory to the network."""
    free, _total = torch.cuda.mem_get_info(device)
    return count < _SHARE * free
