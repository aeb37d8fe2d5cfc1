"""Changes of values for images of any channels: where colour means nothing, each channel is changed alone.

Each takes images (n, C, T, T) of values in [0, 1] and returns such images; the given ones stay as they are. What is
drawn for each channel or pixel is a pure function of the view's seed, of `seeds` (n,) int64.
"""

from __future__ import annotations

import torch
from torch import Tensor

from simclr_tui.train.views.filters import normals, uniforms

SOLARIZE_FROM = 0.5
"""BYOL's threshold (Grill et al., arXiv 2006.07733, appendix B)."""
PEAK_COUNT = 100.0
"""Photons at the value 1: the deviation of shot noise is then at most a tenth, as that of `filters.add_noise`."""

# Added to a view's seed, so that its operations draw apart from one another.
_INTENSITY, _CHANNEL, _SHOT = 1 << 54, 2 << 54, 3 << 54


def jitter_channels(images: Tensor, brightness: Tensor, contrast: Tensor, seeds: Tensor) -> Tensor:
    """Return images with each channel's brightness, then its contrast about its own mean, multiplied by a factor.

    Factors are uniform in [max(0, 1 − range), 1 + range], with the ranges `brightness` and `contrast` (n,).
    """
    count = images.shape[1]
    draws = uniforms(seeds + _INTENSITY, 2 * count)
    brighter = _factors(draws[:, :count], brightness)
    steeper = _factors(draws[:, count:], contrast)
    bright = (images * brighter).clamp_(0.0, 1.0)
    mean = bright.mean(dim=(2, 3), keepdim=True)
    return torch.lerp(mean, bright, steeper).clamp_(0.0, 1.0)


def _factors(draws: Tensor, reach: Tensor) -> Tensor:
    """Return the factors (n, C, 1, 1) for uniform draws (n, C)."""
    low, high = (1.0 - reach).clamp(min=0.0)[:, None], (1.0 + reach)[:, None]
    return (low + (high - low) * draws)[:, :, None, None]


def change_gamma(images: Tensor, exponent: Tensor) -> Tensor:
    """Return images with every value raised to its image's exponent (n,)."""
    return images.pow(exponent.view(-1, 1, 1, 1))


def drop_channel(images: Tensor, seeds: Tensor) -> Tensor:
    """Return images with one channel of each, any with the same probability, set to 0."""
    count = images.shape[1]
    dropped = (uniforms(seeds + _CHANNEL, 1) * count).long().clamp_(max=count - 1)
    channels = torch.arange(count, device=images.device)
    return images.masked_fill((channels == dropped)[:, :, None, None], 0.0)


def solarize(images: Tensor) -> Tensor:
    """Return images with the values from a half upwards inverted."""
    return torch.where(images >= SOLARIZE_FROM, 1.0 - images, images)


def shot_noise(images: Tensor, seeds: Tensor) -> Tensor:
    """Return images as if counted in photons, PEAK_COUNT at the value 1, clamped to [0, 1].

    Poisson noise in its normal approximation: independent for each value x, with mean x and variance x / PEAK_COUNT.
    """
    noise = normals(seeds + _SHOT, images[0].numel()).view_as(images)
    return torch.addcmul(images, noise, (images / PEAK_COUNT).sqrt_()).clamp_(0.0, 1.0)
