"""Sweep files: the trials to run, as TOML; the paper's ablations ship in this form."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import field
from simclr_tui.sweep.axes import Axis, Values, parse_axis, trial_values
from simclr_tui.text import did_you_mean

_SHIPPED = Path(__file__).parent / "sweeps"


class SweepFile(msgspec.Struct, frozen=True, kw_only=True):
    """Hold a sweep file as loaded.

    `recipe` holds the fields that all trials share; `axes` and `trials`, those in which they differ; `published`, the
    paper's figure for each of `trials`, described by `published_as`.
    """

    title: str
    recipe: Values
    axes: tuple[Axis, ...] = ()
    trials: tuple[Values, ...] = ()
    published: tuple[float | None, ...] = ()
    published_as: str = ""


def shipped() -> dict[str, str]:
    """Return the title of each sweep that ships with the program, by name."""
    return {path.stem: load_sweep(path.stem).title for path in sorted(_SHIPPED.glob("*.toml"))}


def load_sweep(name: str) -> SweepFile:
    """Load a shipped sweep by its name, or a file. Raises RecipeError."""
    known = {path.stem: path for path in _SHIPPED.glob("*.toml")}
    path = known.get(name, Path(name))
    if name not in known and not path.is_file():
        hint = did_you_mean(name, known) or f"give a file, or one of {', '.join(sorted(known))}"
        raise RecipeError(f"no sweep file {name!r}", hint)
    try:
        return _read(tomllib.loads(path.read_text(encoding="utf-8")), path)
    except (OSError, ValueError, RecursionError) as error:
        raise RecipeError(f"cannot read the sweep {path}: {error}", "see docs/reference.md for the format") from None


def _each(trial: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the trials that an entry stands for: every combination of its lists' values, the last list fastest."""
    choices = [value if isinstance(value, list) else [value] for value in trial.values()]
    for values in itertools.product(*choices):
        yield dict(zip(trial, values, strict=True))


def _read(loaded: dict[str, Any], path: Path) -> SweepFile:
    unknown = loaded.keys() - {"title", "published_as", "recipe", "grid", "trials"}
    if unknown:
        raise RecipeError(f"{path.name} has an unknown table {sorted(unknown)[0]!r}", "use recipe, grid and trials")
    listed = [one for trial in loaded.get("trials", []) for one in _each(trial)]
    published = tuple(trial.pop("published", None) for trial in listed)
    return SweepFile(
        title=str(loaded.get("title", path.stem)),
        published_as=str(loaded.get("published_as", "")),
        recipe={field(name).key: value for name, value in loaded.get("recipe", {}).items()},
        axes=tuple(parse_axis(name, values) for name, values in loaded.get("grid", {}).items()),
        trials=tuple(trial_values(trial) for trial in listed),
        published=published,
    )
