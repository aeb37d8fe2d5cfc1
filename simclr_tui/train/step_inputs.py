"""What differs from step to step: drawn on the host, and on the device before the step begins."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.batches import Source
from simclr_tui.train.views.device_params import DeviceParams, device_params
from simclr_tui.train.views.params import draw_views


@dataclass(frozen=True, eq=False, slots=True)
class StepInputs:
    """Hold a batch of images (N, C, S, S), uint8 or uint16, and the parameters of its 2N views of side `side`.

    All tensors lie on the device that trains.
    """

    images: Tensor
    params: DeviceParams
    side: int

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.images, self.params.table, self.params.noise_seed

    def alike(self, other: StepInputs) -> bool:
        """Return whether the other inputs have the same shapes and side."""
        shapes = [tensor.shape for tensor in self.tensors] == [tensor.shape for tensor in other.tensors]
        return shapes and self.side == other.side

    def clone(self) -> StepInputs:
        """Return the same inputs in memory of their own."""
        images, table, noise_seed = (tensor.clone() for tensor in self.tensors)
        return StepInputs(images, DeviceParams(table, noise_seed), self.side)


def draw_inputs(
    recipe: Recipe, images: Tensor, samples: NDArray[np.int64], *, epoch: int, side: int, source: Source
) -> StepInputs:
    """Draw the views of the images with ids `samples` (N,) of `source` and place their parameters beside them.

    The device is not waited for: on a GPU this is done while earlier steps still run there.
    """
    recipe = msgspec.structs.replace(recipe, image_size=side)
    drawn = draw_views(recipe, epoch, samples, source.side, shapes=source.shapes(samples))
    return StepInputs(images, device_params(drawn, images.device), side)
