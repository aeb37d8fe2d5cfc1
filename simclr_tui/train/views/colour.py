"""Colour operations on batches (n, 3, T, T) of values in [0, 1], each image with its own factor, as torchvision's."""

from __future__ import annotations

import torch
from torch import Tensor


def grayscale(images: Tensor) -> Tensor:
    """Return the luma (n, 1, T, T)."""
    red, green, blue = _channels(images)
    return (0.2989 * red).add_(green, alpha=0.587).add_(blue, alpha=0.114)


def blend(images: Tensor, factor: Tensor, gray: Tensor, gray_mean: Tensor) -> Tensor:
    """Return clamp(factor·image + (1 − factor)·reference), each argument but the first (n,).

    The reference is `gray`·luma + `gray_mean`·mean luma: brightness is (0, 0), contrast (0, 1), saturation
    (1, 0); grayscale is saturation with factor 0. A factor of 1 leaves an image as it is, to the bit.
    """
    luma = grayscale(images)
    mean = luma.mean(dim=(1, 2, 3), keepdim=True).mul_(_per_image(gray_mean))
    reference = luma.mul_(_per_image(gray)).add_(mean)
    return torch.lerp(reference, images, _per_image(factor)).clamp_(0.0, 1.0)


def shift_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Return images with their hue moved by `turns` (n,) of the colour wheel; value and saturation stay."""
    red, green, blue = _channels(images)
    value = images.amax(dim=1, keepdim=True)
    chroma = value - images.amin(dim=1, keepdim=True)
    spread = torch.where(chroma == 0, 1.0, chroma)
    sixth = torch.where(
        value == red,
        (green - blue) / spread,
        torch.where(value == green, (blue - red) / spread + 2.0, (red - green) / spread + 4.0),
    )
    # A channel falls from value by the chroma, by how far the hue stands from that channel's own sixths.
    own = torch.arange(5, 0, -2, dtype=images.dtype, device=images.device)  # of red, green and blue
    distance = (sixth + 6.0 * _per_image(turns) + own.view(1, 3, 1, 1)).remainder_(6.0)
    fall = torch.minimum(distance, 4.0 - distance).clamp_(0.0, 1.0)
    return fall.mul_(chroma).neg_().add_(value)


def _channels(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return images[:, 0:1], images[:, 1:2], images[:, 2:3]


def _per_image(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
