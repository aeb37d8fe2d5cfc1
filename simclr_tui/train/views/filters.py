"""The augmentations that §3.1 tries beside crop and colour (figure 4): cutout, Sobel filtering and noise.

Each takes images (n, 3, T, T) of values in [0, 1] and returns such images; the given ones stay as they are. The
paper names these operations without their strengths; those here are stated with each.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

NOISE_STD = 0.1
_LARGEST_GRADIENT = math.sqrt(20)
"""The Sobel magnitude's maximum over 3×3 pixels of [0, 1]: one derivative is 4 while the other is 2."""

# SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). Torch multiplies
# signed integers modulo 2⁶⁴, so constants are given as the signed numbers of the same bits.
_STEP = 0x9E3779B97F4A7C15 - 2**64
_MIX = ((30, 0xBF58476D1CE4E5B9 - 2**64), (27, 0x94D049BB133111EB - 2**64))
_LAST_SHIFT = 31
_FLOAT_BITS = 24


def cutout(images: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return images with a square of half their side set to 0, around (row, column), each (n,).

    As DeVries & Taylor (arXiv 1708.04552) have it, the square reaches beyond the border where its centre is near it.
    """
    side = images.shape[-1]
    place = torch.arange(side, device=images.device)
    rows, columns = (_within(place - centre[:, None] + side // 2 // 2, side // 2) for centre in (row, column))
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)


def _within(offset: Tensor, length: int) -> Tensor:
    return (offset >= 0) & (offset < length)


def sobel(images: Tensor) -> Tensor:
    """Return each channel's gradient magnitude by the 3×3 Sobel operator, mirrored at the border.

    It is divided by the largest magnitude possible, so that values stay within [0, 1].
    """
    padded = functional.pad(images, (1, 1, 1, 1), mode="reflect")
    across, down = padded[..., 2:] - padded[..., :-2], padded[..., 2:, :] - padded[..., :-2, :]
    across = across[..., :-2, :] + across[..., 2:, :] + 2 * across[..., 1:-1, :]
    down = down[..., :-2] + down[..., 2:] + 2 * down[..., 1:-1]
    magnitude = across.square_().add_(down.square_()).sqrt_()
    return magnitude.div_(_LARGEST_GRADIENT).clamp_(max=1.0)


def add_noise(images: Tensor, seeds: Tensor) -> Tensor:
    """Return images with independent Gaussian noise of deviation NOISE_STD on each value, clamped to [0, 1].

    The noise of an image is a pure function of its seed, of `seeds` (n,) int64.
    """
    noise = normals(seeds, images[0].numel())
    return images.add(noise.view_as(images), alpha=NOISE_STD).clamp_(0.0, 1.0)


def normals(seeds: Tensor, count: int) -> Tensor:
    """Return (n, count) standard normal numbers, float32, a row for each of the seeds (n,) int64."""
    bits = _split_mix(seeds, -(-count // 2))
    radius = _fraction(bits, 64 - _FLOAT_BITS).log_().mul_(-2.0).sqrt_()
    angle = _fraction(bits, 0).mul_(2.0 * math.pi)
    both = torch.cat((torch.cos(angle).mul_(radius), angle.sin_().mul_(radius)), dim=1)  # Box and Muller
    return both[:, :count].contiguous()


def uniforms(seeds: Tensor, count: int) -> Tensor:
    """Return (n, count) uniform numbers within (0, 1], float32, a row for each of the seeds (n,) int64."""
    return _fraction(_split_mix(seeds, count), 64 - _FLOAT_BITS)


def _split_mix(seeds: Tensor, count: int) -> Tensor:
    """Return the first `count` outputs (n, count) of SplitMix64 from each seed."""
    x = seeds[:, None] + torch.arange(1, count + 1, device=seeds.device).mul_(_STEP)
    for shift, factor in _MIX:
        x.bitwise_xor_(_shifted(x, shift)).mul_(factor)
    return x.bitwise_xor_(_shifted(x, _LAST_SHIFT))


def _shifted(bits: Tensor, places: int) -> Tensor:
    """Return the bits shifted to the right, zeros coming in: torch's own shift repeats the sign."""
    return (bits >> places).bitwise_and_(2 ** (64 - places) - 1)


def _fraction(bits: Tensor, places: int) -> Tensor:
    """Return 24 of the bits, from `places` on, as float32 within (0, 1]: never 0, so that it has a logarithm."""
    return (bits >> places).bitwise_and_(2**_FLOAT_BITS - 1).float().add_(0.5).mul_(2.0**-_FLOAT_BITS)
