"""The format of a stored recipe: its number, and the frozen defaults of each older format.

A run must resume with what its recipe meant when it started, whatever later versions change. So recipe.toml carries
a format number, and `formats/N.toml` freezes the defaults of each format that is no longer written. To change what a
recipe means:

- A new field: declare it in `recipe.py` with its default, and add a line to each file in `formats/`, with the value
  that reproduces that format's behaviour.
- A new default: change it in `recipe.py`. The files of the older formats keep the old one.
- A new behaviour behind a field: make the choice a field of its own (`hidden=True` if nobody should choose it by
  hand), whose value in the files of the older formats names the old behaviour. Code asks the recipe for that field,
  never for the format number.

The number goes up once per release that needs it, not with each change. `python -m simclr_tui.recipe.formats` then
prints the file that freezes the format that is no longer written.
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
"""The format that is written. Format 1 is that of version 0.1, whose recipe.toml has no number."""
_FOLDER = Path(__file__).parent / "formats"


@cache
def frozen_defaults(number: int) -> Mapping[str, Value]:
    """Return the default of every field in an older format."""
    return MappingProxyType(tomllib.loads((_FOLDER / f"{number}.toml").read_text(encoding="utf-8")))


def format_of(document: Mapping[str, Any]) -> int:
    """Return the format number of a parsed recipe.toml.

    Raises RecipeError for a newer format, which is never read in part, and TypeError if the format is not a whole
    number.
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
    """Return the values with each missing field set to its default in that format, never in a later one.

    Raises LookupError for an unknown field, because ignoring it would change what the recipe means.
    """
    known = {item.key: item.default for item in fields()}
    unknown = values.keys() - known.keys()
    if unknown:
        raise LookupError(f"the recipe has no field {min(unknown)!r}")
    return {**(known if number == FORMAT else frozen_defaults(number)), **values}


def _freeze() -> str:
    """Return the text of the file that freezes today's defaults when `FORMAT` goes up."""
    import tomli_w  # needed only to prepare a release

    lines = [f"# Format {FORMAT}: what its recipe.toml means by a field that it lacks"]
    for group, items in itertools.groupby(fields(), key=lambda item: item.group):
        lines += ["", f"# {group}", *(tomli_w.dumps({item.key: item.default}).strip() for item in items)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(_freeze())
