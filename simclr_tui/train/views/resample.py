"""Resample whole batches by matrix products: every view has its own matrix."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_BICUBIC = -0.5


def bicubic_weights(start: Tensor, length: Tensor, flip: Tensor | None, source: int, size: int) -> Tensor:
    """Return (n, size, source): the matrices that resize the span [start, start + length) of a line to `size`.

    Bicubic with antialiasing, as `torch.nn.functional.interpolate` does it on the cropped span: the kernel
    (a = −0.5) widens when shrinking, taps outside the span are dropped and the rest renormalised. Where `flip`
    (0 or 1) is 1 the line comes out mirrored. `start`, `length` and `flip` are (n,) float.
    """
    scale = (length / size)[:, None]
    place = torch.arange(size, device=start.device, dtype=start.dtype)[None, :]
    if flip is not None:
        place = torch.lerp(place, size - 1 - place, flip[:, None])
    centre = scale * (place + 0.5) + start[:, None]
    tap = torch.arange(source, device=start.device, dtype=start.dtype)
    distance = (tap + 0.5 - centre[:, :, None]).abs_().div_(scale.clamp(min=1.0)[:, :, None])
    inside = (tap >= start[:, None]) & (tap < (start + length)[:, None])
    weights = _cubic(distance).mul_(inside[:, None, :])
    return weights.div_(weights.sum(dim=2, keepdim=True))


def _cubic(x: Tensor) -> Tensor:
    """Return Keys' cubic convolution kernel at distances x ≥ 0."""
    a = _BICUBIC
    near = ((a + 2) * x - (a + 3)).mul_(x).mul_(x).add_(1)
    far = x.clamp(max=2.0)
    far = (a * far - 5 * a).mul_(far).add_(8 * a).mul_(far).sub_(4 * a)
    return torch.where(x < 1, near, far)


def resize_pair(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return (2N, C, T, T): images (N, C, S, S) resampled by the matrices of two views, each (2N, T, S)."""
    n, channels, source, _ = images.shape
    size = columns.shape[1]
    lines = images.reshape(n, channels * source, source)
    across = columns.transpose(1, 2)
    half = torch.cat((torch.bmm(lines, across[:n]), torch.bmm(lines, across[n:])))
    return torch.matmul(rows[:, None], half.view(2 * n, channels, source, size))


def resize_each(images: Tensor, boxes: Tensor, flip: Tensor | None, size: int) -> Tensor:
    """Return (2N, C, T, T) in [0, 1]: two views of images (N, C, S, S), the spans `boxes` (2N, 4) of top, left, height
    and width resized as by `resize_pair`, mirrored where `flip` (2N,) says so. One by one, by torch's own kernel."""
    views = images.new_empty(len(boxes), images.shape[1], size, size)
    mirrored = [False] * len(boxes) if flip is None else flip.tolist()
    for number, (top, left, height, width) in enumerate(boxes.tolist()):
        span = images[None, number % len(images), :, top : top + height, left : left + width]
        view = F.interpolate(span, (size, size), mode="bicubic", antialias=True, align_corners=False)[0]
        views[number] = view.flip(2) if mirrored[number] else view
    return views.clamp_(0.0, 1.0)


def resample(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return (n, C, T, T): images (n, C, S, S), each resampled by its own matrices (n, T, S)."""
    n, channels, source, _ = images.shape
    across = torch.bmm(images.reshape(n, channels * source, source), columns.transpose(1, 2))
    return torch.matmul(rows[:, None], across.view(n, channels, source, -1))


def gaussian_kernel_size(size: int) -> int:
    """Return the odd number of taps, about a tenth of the view's side and at least 3 (§A)."""
    return max(3, size // 10 // 2 * 2 + 1)


def gaussian_weights(sigma: Tensor, size: int, taps: int) -> Tensor:
    """Return (n, size, size): matrices that blur a line of `size` pixels with `sigma` (n,), reflecting at its ends."""
    place = torch.arange(size, device=sigma.device, dtype=sigma.dtype)
    narrow = (-0.5 / sigma.square())[:, None, None]
    weights = sigma.new_zeros(len(sigma), size, size)
    # A tap reads the pixel itself or its mirror image beyond the first or the last pixel.
    for mirror, exists in (
        (place, place >= 0),
        (-place, place > 0),
        (2 * (size - 1) - place, place < size - 1),
    ):
        distance = (mirror[None, :] - place[:, None]).abs()
        reached = exists[None, :] & (distance <= taps // 2)
        weights.add_(torch.exp(distance.square().masked_fill(~reached, torch.inf) * narrow))
    return weights.div_(weights.sum(dim=2, keepdim=True))


def gaussian_blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Return images (n, C, T, T) blurred with `sigma` (n,) pixels by a kernel a tenth of their side (§A)."""
    size = images.shape[-1]
    weights = gaussian_weights(sigma, size, gaussian_kernel_size(size))
    return resample(images, weights, weights).clamp_(0.0, 1.0)
