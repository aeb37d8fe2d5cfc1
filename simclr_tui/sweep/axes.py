"""The recipes that a sweep tries: axes in the recipe's own names, and the grid or the random draws over them."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import Field, Value, check_value, field
from simclr_tui.text import shortest

Values = dict[str, Value]
"""A trial's fields, under their short names."""


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the values of one field: `choices`, or a range from `low` to `high`, linear or logarithmic."""

    name: str
    choices: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False

    @property
    def is_range(self) -> bool:
        return not self.choices

    @property
    def whole(self) -> bool:
        return field(self.name).type is int

    def at(self, share: float) -> Value:
        """Return the value at a fraction (0–1) of the axis."""
        if self.choices:
            return self.choices[min(int(share * len(self.choices)), len(self.choices) - 1)]
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        return self.short(value)

    def short(self, value: float) -> int | float:
        """Round a value of the range to four significant digits, short enough for a recipe, a table and a reader."""
        rounded = round(value) if self.whole else float(f"{value:.4g}")
        return min(max(rounded, self.low), self.high)


def parse_axis(name: str, text: str | Sequence[Any]) -> Axis:
    """Parse `256,512`, `0.1:1.0`, `0.1:1.0:log`, or a list from a TOML file. Raises RecipeError.

    A field whose single value contains commas (`--augment crop,color`, `--channels 1,2,5`) separates values by `;`.
    """
    item = field(name)
    if not isinstance(text, str):
        return Axis(name=item.short, choices=tuple(_value(item, value) for value in text))
    parts = text.split(":")
    if item.type in (int, float) and len(parts) in (2, 3):
        return _range(item, text, parts)
    between = ";" if ";" in text or item.key in ("augment", "channels") else ","
    return Axis(name=item.short, choices=tuple(_value(item, word.strip()) for word in text.split(between)))


def _value(item: Field, value: Any) -> Value:
    """Check a value, and drop what a script's arithmetic left in its last digits: 0.1 + 0.05 is the trial 0.15."""
    checked = check_value(item, value, strict=False)
    return shortest(checked) if isinstance(checked, float) else checked


def _range(item: Field, text: str, parts: list[str]) -> Axis:
    flag = item.flag.split("/")[0]
    if len(parts) == 3 and parts[2] not in ("log", "linear"):
        raise RecipeError(f"{flag} cannot run over {text!r}", "write LOW:HIGH or LOW:HIGH:log")
    low, high = (float(_value(item, part.strip())) for part in parts[:2])
    log = len(parts) == 3 and parts[2] == "log"
    if not low < high or (log and low <= 0):
        raise RecipeError(f"{flag} cannot run over {text!r}", "the first bound must be lower, and above 0 for log")
    return Axis(name=item.short, low=low, high=high, log=log)


def grid(axes: Sequence[Axis]) -> Iterator[Values]:
    """Yield every combination, the last axis fastest. Raises RecipeError for a range."""
    for axis in axes:
        if axis.is_range:
            raise RecipeError(
                f"a grid needs values for --{axis.name.replace('_', '-')}, not a range",
                "list them (0.1,0.5,1.0), or give --sampler random or tpe with --trials N",
            )
    for values in itertools.product(*(axis.choices for axis in axes)):
        yield dict(zip((axis.name for axis in axes), values, strict=True))


def draw(axes: Sequence[Axis], seed: int, number: int) -> Values:
    """Return the random sampler's trial of a given number: the same whenever and in whatever order it is drawn."""
    chance = random.Random(f"{seed}:{number}")
    return {axis.name: axis.at(chance.random()) for axis in axes}


def trial_values(trial: Mapping[str, Any]) -> Values:
    """Check a trial that a sweep file lists, and return its values. Raises RecipeError."""
    return {field(name).short: _value(field(name), value) for name, value in trial.items()}
