"""Random crop and flip, one view per image: the augmentation of linear evaluation and fine-tuning (§B.5, §B.6)."""

from __future__ import annotations

import torch
from torch import Tensor

from simclr_tui.evaluate.splits import Ids
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.pixels import Shapes, levels_of
from simclr_tui.train.device import to_device
from simclr_tui.train.rng import Stream, uniforms
from simclr_tui.train.views.params import draw_crops
from simclr_tui.train.views.resample import bicubic_weights

_DRAWS = 23  # uniforms per image: one for the flip, 22 for the crop


@torch.no_grad()
def crop_and_flip(
    images: Tensor, recipe: Recipe, samples: Ids, *, seed: int, epoch: int, shapes: Shapes | None = None
) -> Tensor:
    """Return views (N, C, T, T), float32 in [0, 1], of images (N, C, S, S) with ids `samples` (N,).

    `shapes` (N, 2) are those of images that were squeezed into squares. The smallest crop and the probability of a flip
    are the recipe's. A view is a pure function of seed, epoch and id.
    """
    n, channels, side, _ = images.shape
    u = uniforms(seed, Stream.EVALUATION_VIEWS, epoch, samples, 0, _DRAWS)
    boxes = draw_crops(u[:, 1:], recipe.crop_min, side, shapes=shapes)
    top, left, height, width = (to_device(torch.from_numpy(value).float(), images.device) for value in boxes)
    flip = to_device(torch.from_numpy(u[:, 0] < recipe.flip).float(), images.device)
    with torch.autocast(images.device.type, enabled=False):
        rows = bicubic_weights(top, height, None, side, recipe.image_size)
        columns = bicubic_weights(left, width, flip, side, recipe.image_size).div_(levels_of(images.dtype))
        across = torch.bmm(images.float().reshape(n, channels * side, side), columns.transpose(1, 2))
        views = torch.matmul(rows[:, None], across.view(n, channels, side, recipe.image_size))
    return views.clamp_(0.0, 1.0).contiguous(memory_format=torch.channels_last)
