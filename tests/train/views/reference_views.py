"""Views made one image at a time by other people's operations: torchvision, PIL, scipy and plain numpy."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.model.torchvision_import import import_torchvision
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.filters import NOISE_STD
from simclr_tui.train.views.params import ORDERS, ViewParams, draw_views
from simclr_tui.train.views.resample import gaussian_kernel_size


def some_images(n: int, side: int) -> torch.Tensor:
    """Half noise, half smooth with flat and saturated parts; one of each kind gray."""
    generator = torch.Generator().manual_seed(side)
    noise = torch.randint(0, 256, (n, 3, side, side), generator=generator, dtype=torch.uint8)
    coarse = torch.rand(n, 3, 4, 4, generator=generator) * 1.6 - 0.3
    smooth = torch.nn.functional.interpolate(coarse, side, mode="bilinear").clamp(0, 1).mul(255).round().byte()
    images = torch.where((torch.arange(n) % 2 == 0).view(n, 1, 1, 1), noise, smooth)
    images[:2] = images[:2, :1]
    return images


def largest_difference(recipe: Recipe, side: int, n: int = 48) -> float:
    """How far the views of n images lie from the reference's, at most."""
    images = some_images(n, side)
    params = draw_views(recipe, 1, np.arange(n) + 100, side)
    ours = two_views(images, params, recipe.image_size)
    expected = reference_views(images, params, recipe.image_size)
    assert ours.shape == expected.shape
    return float((ours - expected).abs().max())


def reference_views(images: torch.Tensor, params: ViewParams, size: int) -> torch.Tensor:
    n = len(images)
    return torch.stack([reference_view(images[i % n], params, i, size, params.operations) for i in range(2 * n)])


def reference_view(
    image: torch.Tensor, params: ViewParams, view: int, size: int, operations: tuple[str, ...]
) -> torch.Tensor:
    """One view, (3, size, size) in [0, 1], by these operations in this order and the view's drawn parameters."""
    import_torchvision()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as F

    x = image / 255.0
    if operations[:1] != ("crop",):
        x = F.resize(x, [size, size], InterpolationMode.BICUBIC, antialias=True).clamp(0, 1)
    for name in operations:
        if name == "crop":
            box = [int(values[view]) for values in (params.top, params.left, params.height, params.width)]
            x = F.resized_crop(x, *box, [size, size], InterpolationMode.BICUBIC, antialias=True).clamp(0, 1)
        elif getattr(params, name)[view]:
            x = _OPERATIONS[name](x, params, view)
    return x


def _flip(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    return x.flip(-1)


def _color(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    from torchvision.transforms import functional as F

    operations = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
    factors = (params.brightness, params.contrast, params.saturation, params.hue)
    for operation in ORDERS[params.order[view]]:
        x = operations[operation](x, float(factors[operation][view]))
    return x


def _gray(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    from torchvision.transforms import functional as F

    return F.rgb_to_grayscale(x, 3)


def _blur(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    from torchvision.transforms import functional as F

    return F.gaussian_blur(x, [gaussian_kernel_size(x.shape[-1])] * 2, float(params.sigma[view]))


def _cutout(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    """DeVries & Taylor's clipped square, pixel by pixel."""
    x, side = x.clone(), x.shape[-1]
    first_row = int(params.cutout_row[view]) - side // 2 // 2
    first_column = int(params.cutout_column[view]) - side // 2 // 2
    for row in range(first_row, first_row + side // 2):
        for column in range(first_column, first_column + side // 2):
            if 0 <= row < side and 0 <= column < side:
                x[:, row, column] = 0.0
    return x


def _rotate(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    angle = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
    channels = [Image.fromarray(channel.numpy()).transpose(angle[int(params.turns[view])]) for channel in x]
    return torch.from_numpy(np.stack([np.asarray(channel) for channel in channels]))


def _sobel(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    channels = x.double().numpy()  # one by one: scipy would smooth across them too
    gradients = [[ndimage.sobel(channel, axis, mode="mirror") for axis in (0, 1)] for channel in channels]
    return torch.from_numpy(np.stack([np.hypot(*both) for both in gradients]) / math.sqrt(20)).float()


def _noise(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    noise = reference_normals(int(params.noise_seed[view]), x.numel())
    return (x + NOISE_STD * torch.from_numpy(noise).view_as(x)).clamp(0, 1).float()


def reference_normals(seed: int, count: int) -> np.ndarray:
    """SplitMix64 in whole numbers without end, then Box–Muller in float64: all cosines, then all sines."""
    words = [_split_mix(seed + step * 0x9E3779B97F4A7C15) for step in range(1, (count + 1) // 2 + 1)]
    high, low = (np.array([(word >> places) % 2**24 for word in words]) for places in (40, 0))
    radius, angle = np.sqrt(-2 * np.log((high + 0.5) / 2**24)), 2 * np.pi * (low + 0.5) / 2**24
    return np.concatenate((radius * np.cos(angle), radius * np.sin(angle)))[:count]


def _split_mix(x: int) -> int:
    x %= 2**64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)


def _vflip(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    return torch.from_numpy(x.numpy()[:, ::-1].copy())


def _intensity(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    """Torchvision's brightness and contrast of each channel as a gray image."""
    from torchvision.transforms import functional as F

    draws = reference_uniforms(int(params.noise_seed[view]) + 2**54, 2 * len(x)).reshape(2, len(x))
    channels = []
    for number, channel in enumerate(x):
        ranges = (params.brightness_range[view], params.contrast_range[view])
        low_high = [(max(0.0, 1.0 - reach), 1.0 + reach) for reach in ranges]
        bright, steep = (low + (high - low) * u for (low, high), u in zip(low_high, draws[:, number], strict=True))
        channels.append(F.adjust_contrast(F.adjust_brightness(channel[None], bright), steep))
    return torch.cat(channels)


def _gamma(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    from torchvision.transforms import functional as F

    return F.adjust_gamma(x, float(params.exponent[view]))


def _channel_drop(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    x = x.clone()
    x[int(reference_uniforms(int(params.noise_seed[view]) + 2**55, 1)[0] * len(x))] = 0.0
    return x


def _solarize(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    from torchvision.transforms import functional as F

    return F.solarize(x, 0.5)


def _poisson(x: torch.Tensor, params: ViewParams, view: int) -> torch.Tensor:
    noise = reference_normals(int(params.noise_seed[view]) + 3 * 2**54, x.numel()).reshape(x.shape)
    return torch.from_numpy((x.numpy() + np.sqrt(x.numpy() / 100.0) * noise).clip(0, 1)).float()


def reference_uniforms(seed: int, count: int) -> np.ndarray:
    """The high 24 bits of SplitMix64's first outputs, each in the middle of its interval."""
    words = [_split_mix(seed + step * 0x9E3779B97F4A7C15) for step in range(1, count + 1)]
    return (np.array([word >> 40 for word in words]) + 0.5) / 2**24


_OPERATIONS = {
    "vflip": _vflip,
    "intensity": _intensity,
    "gamma": _gamma,
    "channel_drop": _channel_drop,
    "solarize": _solarize,
    "poisson": _poisson,
    "flip": _flip,
    "color": _color,
    "gray": _gray,
    "blur": _blur,
    "cutout": _cutout,
    "rotate": _rotate,
    "sobel": _sobel,
    "noise": _noise,
}
