"""Resolve preset, file and flags into one Recipe, and remember where each value came from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from simclr_tui.errors import RecipeError
from simclr_tui.recipe import toml_lines
from simclr_tui.recipe.fields import Value, check_value, field, fields, short_values
from simclr_tui.recipe.formats import FORMAT, complete, format_of
from simclr_tui.recipe.optimizer_defaults import brought_along, source_of
from simclr_tui.recipe.presets import load_preset
from simclr_tui.recipe.recipe import Recipe

UNKNOWN = "unknown"
"""The source of a value that is not known, as in a run that was not trained here."""


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Hold a recipe and the source of each value.

    A source is `default`, `preset NAME`, `file PATH`, `flag` or `auto: …` with the reason for a choice.
    """

    recipe: Recipe
    preset: str
    sources: dict[str, str]

    def known_values(self) -> dict[str, Value | None]:
        """Return the values by short name, None for a value that is not known."""
        values = short_values(self.recipe)
        return {item.short: None if self.sources.get(item.key) == UNKNOWN else values[item.short] for item in fields()}

    def with_value(self, key: str, value: Any, source: str) -> Resolved:
        """Return a copy with one value and its source replaced."""
        recipe = msgspec.structs.replace(self.recipe, **{key: value})
        return Resolved(recipe=recipe, preset=self.preset, sources={**self.sources, key: source})


def resolve(
    preset: str, config: Path | None = None, flags: Mapping[str, Any] | None = None, *, flag_source: str = "flag"
) -> Resolved:
    """Layer defaults < preset < file < flags (keys or short names) into a checked Recipe.

    Choosing another optimiser also sets its own rate, scaling and decay, unless its layer or a later one gives them.
    Raises RecipeError for an unknown preset or field, an invalid value, or fields that contradict each other.
    """
    layers = [(f"preset {preset}", load_preset(preset))]
    if config is not None:
        layers.append((f"file {config}", _load_file(config)))
    layers.append((flag_source, dict(flags or {})))
    values: dict[str, Any] = {}
    sources = {item.key: "default" for item in fields()}
    by_hand: set[str] = set()  # fields given by a file that does not choose an optimiser
    for source, layer in layers:
        given = {field(name).key: value for name, value in layer.items()}
        changed = {**_brought(values, given, by_hand), **given}
        if source.startswith("file "):
            by_hand = set() if "optimizer" in given else set(given)
        values |= changed
        sources |= {key: source if key in given else source_of(given["optimizer"]) for key in changed}
    return Resolved(recipe=make_recipe(values), preset=preset, sources=sources)


def _brought(values: Mapping[str, Any], given: Mapping[str, Any], by_hand: set[str]) -> dict[str, Any]:
    """Return the fields that an optimiser brings if the layer `given` chooses another one than the layers below."""
    start = Recipe()
    before = values.get("optimizer", start.optimizer)
    chosen = {"image_size": start.image_size, **values, **given}
    if "optimizer" not in given:
        return {}
    return dict(brought_along(chosen, before, by_hand | given.keys()))


def make_recipe(values: Mapping[str, Any]) -> Recipe:
    """Return a checked Recipe from values by key or short name, with defaults for the rest. Raises RecipeError."""
    items = {field(name): value for name, value in values.items()}
    return msgspec.convert({item.key: check_value(item, value) for item, value in items.items()}, Recipe).check()


def _load_file(path: Path) -> dict[str, Any]:
    """Read a flat TOML file of fields, or a run's recipe.toml, completed with the defaults of its format."""
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
        nested = loaded.get("recipe")
        if isinstance(nested, dict):
            return complete(nested, format_of(loaded))
    except (OSError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise RecipeError(
            f"cannot read the recipe {path}: {error}", "give a TOML file such as a run's recipe.toml"
        ) from None
    return loaded


def to_toml(resolved: Resolved) -> str:
    """Return the text of a run's recipe.toml: its format, every field, and the source of each value."""
    return tomli_w.dumps(
        {
            "format": FORMAT,
            "preset": resolved.preset,
            "recipe": msgspec.to_builtins(resolved.recipe),
            "source": resolved.sources,
        }
    )


def from_toml(text: str) -> Resolved:
    """Read a recipe.toml. A field that it lacks has the default frozen for its format, never a later one.

    Raises RecipeError if it is damaged or of a newer format.
    """
    try:
        loaded = toml_lines.loads(text)
        number = format_of(loaded)
        values = complete(loaded["recipe"], number)
        default = "default" if number == FORMAT else f"default of format {number}"
        return Resolved(
            recipe=msgspec.convert(values, Recipe),
            preset=str(loaded.get("preset", "")),
            sources={**dict.fromkeys(values, default), **loaded.get("source", {})},
        )
    except (LookupError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise RecipeError(f"recipe.toml is damaged: {error}", "restore it from a copy of the run") from None


def flag_words(values: Mapping[str, Any]) -> list[str]:
    """Return the flags that set fields (by key) to these values, for a command line that can be pasted."""
    words: list[str] = []
    for item in fields():
        if item.key not in values:
            continue
        value = values[item.key]
        if item.type is bool:
            on, _, off = item.flag.partition("/")
            words.append(on if value else off)
        else:
            words += [item.flag, _shortest(value) if isinstance(value, float) else str(value)]
    return words


def _shortest(value: float) -> str:
    """Return a number as `0.5`, `100` or `1e-06`, with every digit that the value needs."""
    text = format(value, "g")
    return text if float(text) == value else repr(value)
