"""Measure the values of images, and choose the range that is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simclr_tui.errors import DataError
from simclr_tui.recipe.reading import Reading
from simclr_tui.text import safe
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.pixels import levels_of
from simclr_tui.train.data.scaling import Scaling, not_finite, pick_channels
from simclr_tui.train.data.sources.protocol import Source, values_of
from simclr_tui.train.data.sources.refusals import Refused, for_each_accepted

MOST_IMAGES = 4096
"""Images that are measured; of more, so many evenly spaced ones."""
_VALUES = 1 << 21  # values kept per channel, for percentiles
_OUTLIER_SPAN = 8  # how many times wider than the middle 99.9 % the whole range may be
_MIDDLE = (0.05, 99.95)  # percent
_FILL_SHARE = 0.0005  # of the values, more than which may mark missing pixels: fewer are hot pixels


@dataclass
class Values:
    """Hold the extremes of every channel, exact over the images measured, and an even sample of their values."""

    low: NDArray[Any] | None = None
    high: NDArray[Any] | None = None
    whole: bool = True
    images: int = 0
    samples: list[NDArray[Any]] = field(default_factory=list)
    first: str = ""  # the name of one of the images
    _lock: Any = field(default_factory=Lock, repr=False)

    def add(self, values: NDArray[Any], keep: int) -> None:
        """Take in one image, (H, W, C), and keep about `keep` of its values per channel."""
        flat = values.reshape(-1, values.shape[-1])
        low, high = flat.min(axis=0), flat.max(axis=0)
        some = flat[:: max(1, len(flat) // keep)].astype(np.float64)
        with self._lock:
            self.low = low if self.low is None else np.minimum(self.low, low)
            self.high = high if self.high is None else np.maximum(self.high, high)
            self.whole &= values.dtype.kind in "uib"
            self.images += 1
            self.samples.append(some)

    def sample(self) -> NDArray[np.float64]:
        """Return the sampled values, (M, C), in no order that means anything."""
        return np.concatenate(self.samples)


def refuse_complex(values: NDArray[Any], name: str) -> None:
    """Raise DataError where an image is made of complex numbers."""
    if values.dtype.kind == "c":
        raise DataError(f"{safe(name)} holds complex numbers", "store their magnitude")


def acceptable_values(source: Source, name: str, channels: tuple[int, ...], *, nan_is_low: bool) -> NDArray[Any]:
    """Return an image's values in some channels. Raises DataError for complex ones, and for those that are not finite
    unless `nan_is_low`."""
    values, header = values_of(source, name, 1 << 30)
    picked = pick_channels(values, header, channels)
    refuse_complex(picked, name)
    if picked.dtype.kind == "f" and not nan_is_low and not np.isfinite(picked).all():
        raise not_finite(safe(name), int(picked.size - np.isfinite(picked).sum()))
    return picked


def measure(
    source: Source, names: Sequence[str], channels: tuple[int, ...], *, nan_is_low: bool, progress: Progress,
    others: Sequence[str] = (),
) -> Values:  # fmt: skip
    """Read images and measure their values. Raises DataError for values that are not finite, naming the images.

    If any are refused, so are those of the `others` (held-out images, which are not measured) that would be later.
    """
    chosen = [names[int(i)] for i in np.linspace(0, len(names) - 1, min(len(names), MOST_IMAGES)).astype(np.int64)]
    found, keep = Values(), max(64, _VALUES // max(1, len(chosen)))

    def look(_: int, name: str) -> bool:
        picked = acceptable_values(source, name, channels, nan_is_low=nan_is_low)
        if picked.dtype.kind == "f" and not np.isfinite(picked).all():
            picked = picked[np.isfinite(picked).all(axis=-1)][None]
            if not picked.size:
                return False
        found.add(picked.astype(np.uint8) if picked.dtype.kind == "b" else picked, keep)
        found.first = found.first or name
        return True

    def look_only(_: int, name: str) -> bool:
        acceptable_values(source, name, channels, nan_is_low=nan_is_low)
        return True

    refused = Refused()
    for_each_accepted("measuring values", chosen, look, progress=progress, refused=refused)
    if refused.found:
        rest = [*(sorted({*names} - {*chosen}) if len(names) > len(chosen) else ()), *others]
        for_each_accepted("looking at the other images", rest, look_only, progress=progress, most=100, refused=refused)
        refused.check()
    if not found.images:
        first = ", ".join(map(safe, chosen[:3])) + (", …" if len(chosen) > 3 else "")
        raise DataError(
            f"not one of {len(chosen):,} images could be read to measure its values ({first})",
            "look at them with simclr data inspect, or give --range LO:HI if all they hold is NaN",
        )
    return found


@dataclass(frozen=True)
class Chosen:
    """Hold the scaling with its range filled in, why it is so, and what is worth a warning."""

    scaling: Scaling
    reason: str
    warnings: tuple[str, ...] = ()


def choose_range(scaling: Scaling, reading: Reading, eight_bits: bool, *, values: Values | None) -> Chosen:
    """Return the scaling by `--range`. 8-bit images stay as they are unless a range is given.

    `values` are None only where they do not matter. Raises DataError where every value is the same.
    """
    if reading.as_0_1:
        return Chosen(replace(scaling, direct=True), "as version 0.1 read it: the high byte of 16 bits")
    if reading.range == "image":
        kind = "uint8" if eight_bits else "uint16"
        return Chosen(replace(scaling, plain=False, dtype=kind), "each image's own lowest and highest value")
    if eight_bits and reading.range == "auto":
        count = len(scaling.channels)
        return Chosen(replace(scaling, low=(0.0,) * count, high=(255.0,) * count), "8 bits stay as they are")
    assert values is not None
    bounds = _bounds(reading, values, len(scaling.channels))
    low, high = bounds.low, bounds.high
    if not (high > low).any():
        raise DataError(
            f"every image holds one value only ({low[0]:g}), as {safe(values.first)} does",
            "check the data, or give --channels",
        )
    high = np.where(high > low, high, low + 1)
    narrow = values.whole and bool((high - low <= 255).all())
    ready = replace(
        scaling, plain=False, dtype="uint8" if narrow else "uint16", nan_is_low=reading.bounds is not None,
        low=tuple(map(float, low)), high=tuple(map(float, high)),
    )  # fmt: skip
    return Chosen(ready, bounds.reason, _warnings(values, replace(bounds, high=high), levels_of(ready.dtype)))


@dataclass(frozen=True)
class _Bounds:
    """Hold the ends of the range of every channel, why, and the value that marks what is missing (NaN: none does)."""

    low: NDArray[Any]
    high: NDArray[Any]
    reason: str
    fill: NDArray[Any]


def _bounds(reading: Reading, values: Values, count: int) -> _Bounds:
    assert values.low is not None
    assert values.high is not None
    none = np.full(count, np.nan)
    if reading.bounds:
        low, high = (np.full(count, end) for end in reading.bounds)
        return _Bounds(low, high, "as --range says", none)
    of, sample = f"of {values.images:,} image{'s'[: values.images != 1]}", values.sample()
    if reading.percentiles:
        low, high = np.percentile(sample, reading.percentiles, axis=0)
        return _Bounds(low, high, f"percentiles {reading.percentiles[0]:g} and {reading.percentiles[1]:g} {of}", none)
    low, high = values.low.astype(np.float64), values.high.astype(np.float64)
    fill, outlying = none.copy(), list[int]()
    for channel in range(count):
        given = sample[:, channel]
        fill[channel] = _fill(given, low[channel], high[channel])
        if np.isfinite(fill[channel]):
            given = given[given != fill[channel]]
            low[channel], high[channel] = given.min(), given.max()
        inner = np.percentile(given, _MIDDLE)
        if high[channel] - low[channel] > _OUTLIER_SPAN * (inner[1] - inner[0]) > 0:
            low[channel], high[channel] = inner
            outlying.append(channel)
    return _Bounds(low, high, _reason(of, fill, outlying), fill)


def _reason(of: str, fill: NDArray[Any], outlying: Sequence[int]) -> str:
    """Return why the range of values `of` so many images is as it is, `outlying` being the channels that were cut."""
    in_all = len(outlying) == len(fill)
    words = f"{'the middle 99.9 % of the values' if in_all else 'lowest and highest value'} {of}"
    if marks := ", ".join(f"{value:g}" for value in dict.fromkeys(fill[np.isfinite(fill)].tolist())):
        words += f" but for {marks}, far from all others"
    if outlying and not in_all:
        which = ", ".join(str(channel + 1) for channel in outlying)
        words += f"; the middle 99.9 % in channel{'s'[: len(outlying) > 1]} {which}"
    return f"{words}: few lie far outside" if outlying else words


def _fill(sample: NDArray[np.float64], low: float, high: float) -> float:
    """Return the lowest or highest value if many pixels have it and all others lie close together far away, else NaN.

    So are missing pixels marked: -9999 in maps of heights, 65535 at the edge of a satellite's strip.
    """
    for value in (low, high):
        others = sample[sample != value]
        if len(others) and 1 - len(others) / len(sample) > _FILL_SHARE:
            spread = float(others.max() - others.min())
            if 0 < _OUTLIER_SPAN * spread < high - low:
                return value
    return float("nan")


def _warnings(values: Values, bounds: _Bounds, top: int) -> tuple[str, ...]:
    """Return what is wrong with values that are stored in levels from 0 to `top` by these bounds."""
    sample, found, low, high = values.sample(), list[str](), bounds.low, bounds.high
    missing = sample == bounds.fill
    if missing.any():
        marks = ", ".join(f"{value:g}" for value in dict.fromkeys(bounds.fill[np.isfinite(bounds.fill)].tolist()))
        found.append(
            f"{float(np.mean(missing)):.1%} of the values are {marks}, far from all others: they are taken for missing"
            " pixels and become black or white; give --range LO:HI if they are not"
        )
    clipped = float(np.mean(((sample < low) | (sample > high)) & ~missing))
    if clipped > 0.01:
        found.append(f"{clipped:.1%} of the values lie outside the range and are clipped: give a wider --range")
    for channel in range(sample.shape[1]):
        given = sample[~missing[:, channel], channel]
        share = (given.clip(low[channel], high[channel]) - low[channel]) / (high[channel] - low[channel])
        levels = len(np.unique(np.rint(share * top)))
        if levels < FEW_LEVELS:
            of = f" of channel {channel + 1}" if sample.shape[1] > 1 else ""
            lost = len(np.unique(given)) >= FEW_LEVELS
            so = "give --range LO:HI of what matters in them" if lost else "the views will show little"
            found.append(f"the values{of} have {levels} level{'s'[: levels != 1]} only: {so}")
    return tuple(found)


FEW_LEVELS = 32
"""Levels below which a warning is given before training."""
