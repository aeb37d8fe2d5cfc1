"""Which images each step takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.distributed import ProcessGroup
from simclr_tui.train.rng import epoch_order


class Order:
    """`order(step)`: the ids (N,) of the images in this process's share of that step's batch, of `images` in all.

    A function of seed and step alone; cheap where steps are asked for in their order.
    """

    def __init__(self, recipe: Recipe, images: int, group: ProcessGroup) -> None:
        self._recipe, self._images, self._group = recipe, images, group
        self._epoch, self._ids = -1, np.empty(0, np.int64)

    def __call__(self, step: int) -> NDArray[np.int64]:
        epoch, position = divmod(step, self._recipe.steps_per_epoch(self._images))
        if epoch != self._epoch:
            self._epoch, self._ids = epoch, epoch_order(self._recipe.seed, epoch, self._images)
        size = self._recipe.batch_size
        return self._group.shard(self._ids[position * size : (position + 1) * size])
