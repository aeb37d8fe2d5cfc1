"""The format of a stored recipe: its number, and what each older format meant by a field that it lacks.

A run must resume with what its recipe meant when it was begun, whatever later versions change. So recipe.toml carries
a format number, and `formats/N.toml` freezes the defaults of each format that is no longer written. How to change
what a recipe means:

- A new field: declare it in `recipe.py` with today's default, and add one line to each file in `formats/`, with the
  value that means what that format did.
- Another default: change it in `recipe.py`. The older formats' files keep the old one.
- Another behaviour behind a field: make the choice a field of its own (`hidden=True` where nobody should choose by
  hand), whose value in the older formats' files names the old behaviour. Code asks the recipe for that field, never
  for a number.

The number itself goes up once a release that needs it, not with each change: `python -m simclr_tui.recipe.formats`
then prints the file that freezes the format which is no longer written.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import Value, fields

FORMAT = 2
"""The format that is written. Format 1 is 0.1's, whose recipe.toml says no number."""
_FOLDER = Path(__file__).parent / "formats"


@cache
def frozen_defaults(number: int) -> Mapping[str, Value]:
    """Return the default of every field as that older format meant it."""
    return MappingProxyType(tomllib.loads((_FOLDER / f"{number}.toml").read_text(encoding="utf-8")))


def format_of(document: Mapping[str, Any]) -> int:
    """Return the format number of a parsed recipe.toml.

    Raises RecipeError for a newer format, which is never read in part, and TypeError for what is no number.
    """
    number = document.get("format", 1)
    if type(number) is not int or number < 1:
        raise TypeError(f"format is {number!r}, not a whole number ≥ 1")
    if number > FORMAT:
        raise RecipeError(
            f"the recipe has format {number}, written by a newer simclr-tui; this one reads up to format {FORMAT}",
            "upgrade simclr-tui",
        )
    return number


def complete(values: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the values with each missing field at that format's default, never at a later one's.

    Raises LookupError for a field that the recipe does not have: what it asks for would be ignored.
    """
    known = {item.key: item.default for item in fields()}
    unknown = values.keys() - known.keys()
    if unknown:
        raise LookupError(f"the recipe has no field {min(unknown)!r}")
    return {**(known if number == FORMAT else frozen_defaults(number)), **values}


def _freeze() -> str:
    """Return the file that keeps today's defaults when `FORMAT` goes up."""
    import tomli_w  # only whoever makes a release needs it here

    lines = [f"# Format {FORMAT}: what its recipe.toml means by a field that it lacks"]
    for group, items in itertools.groupby(fields(), key=lambda item: item.group):
        lines += ["", f"# {group}", *(tomli_w.dumps({item.key: item.default}).strip() for item in items)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(_freeze())
