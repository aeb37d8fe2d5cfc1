"""The part of a recipe that decides how a data set's values, channels, labels and splits are read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simclr_tui.errors import RecipeError

AS_0_1 = "0.1"
"""The value of `range` and `split` in runs started under version 0.1: 16-bit values keep their high byte, every image
is RGB, and the held-out images are drawn at random."""
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
RANGE_PATTERN = rf"^(auto|image|0\.1|{_NUMBER}:{_NUMBER}|p{_NUMBER}:p{_NUMBER})\Z"
CHANNELS_PATTERN = r"^(auto|[1-9][0-9]{0,3}(,[1-9][0-9]{0,3})*,?)\Z"
TILE_PATTERN = r"^(off|[1-9][0-9]{0,5}(:[1-9][0-9]{0,5})?)\Z"


@dataclass(frozen=True)
class Reading:
    """Describe how images are read; each field is the recipe's field of the same name.

    `validation` is no field of a recipe: False only for a run that began before a split beside the test images was
    read as the validation images, and goes on with what it began with. `crop_from` is `whole` only where views begin
    with a crop: whatever else is done needs a square to begin with.
    """

    range: str = "auto"
    channels: str = "auto"
    labels: str = "auto"
    tile: str = "off"
    split: str = "name"
    crop_from: str = "square"
    validation: bool = True

    @property
    def as_0_1(self) -> bool:
        """Return whether values are read as in version 0.1."""
        return self.range == AS_0_1

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Return LO and HI of `--range LO:HI`, in the images' own values."""
        return _pair(self.range) if ":" in self.range and not self.range.startswith("p") else None

    @property
    def percentiles(self) -> tuple[float, float] | None:
        """Return LO and HI of `--range pLO:pHI`, in percent."""
        return _pair(self.range.replace("p", "")) if self.range.startswith("p") else None

    @property
    def channel_count(self) -> int | None:
        """Return N of `--channels N`."""
        return int(self.channels) if self.channels.isdigit() else None

    @property
    def channel_list(self) -> tuple[int, ...] | None:
        """Return the channels of `--channels 1,2,5`, counted from 0."""
        return tuple(int(word) - 1 for word in self.channels.split(",") if word) if "," in self.channels else None

    @property
    def known_channels(self) -> int | None:
        """Return how many channels the recipe itself asks for; None if the images decide."""
        listed = self.channel_list
        return self.channel_count if listed is None else len(listed)

    @property
    def tiles(self) -> tuple[int, int] | None:
        """Return side and stride of `--tile N[:STRIDE]`, in pixels of the image."""
        if self.tile == "off":
            return None
        side, _, stride = self.tile.partition(":")
        return int(side), int(stride or side)

    def check(self) -> Reading:
        """Return self. Raises RecipeError for an empty range, a percentile out of bounds or a repeated channel."""
        low, high = self.bounds or self.percentiles or (0.0, 1.0)
        if not low < high:
            raise RecipeError(f"--range {self.range} is empty", "give the lower end first, as in --range 0:4095")
        if self.percentiles and not (low >= 0 and high <= 100):
            raise RecipeError(f"--range {self.range}: percentiles run from p0 to p100", "give --range p0.5:p99.5")
        listed = self.channel_list
        if listed and len(set(listed)) < len(listed):
            raise RecipeError(f"--channels {self.channels} names a channel twice", "name each channel once")
        return self


DEFAULT_READING = Reading()


def _pair(text: str) -> tuple[float, float]:
    low, high = re.fullmatch(rf"({_NUMBER}):({_NUMBER})", text).groups()  # type: ignore[union-attr]
    return float(low), float(high)
