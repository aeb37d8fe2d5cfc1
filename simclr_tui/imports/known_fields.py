"""Say which fields of a recipe another program's config gives; all others of an imported run are unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import Value, check_value, field, fields
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import UNKNOWN, Resolved
from simclr_tui.text import safe

# Names in common use, compared in lower case and with their last part alone: `optim.weight_decay`, `hparams/tau`.
_ALSO = {
    "tau": "temperature", "batch": "batch_size", "batchsize": "batch_size", "train_batch_size": "batch_size",
    "max_epochs": "epochs", "num_epochs": "epochs", "n_epochs": "epochs", "backbone": "encoder", "arch": "encoder",
    "dataset": "data", "proj_dim": "head_dim", "projection_dim": "head_dim", "random_seed": "seed",
    "warmup_epochs": "warmup", "learning_rate": "lr", "weightdecay": "weight_decay", "opt": "optimizer",
}  # fmt: skip


def parse_fields(given: list[str]) -> dict[str, Value]:
    """Return what `FIELD=VALUE` says, several times, by key. Raises RecipeError for an unknown field or value."""
    found: dict[str, Value] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise RecipeError(f"--set takes FIELD=VALUE, not {safe(text)!r}", "as in --set temp=0.5")
        found[field(name.strip()).key] = field(name.strip()).parse(value)
    return found


def known_fields(config: Mapping[str, Any]) -> dict[str, Value]:
    """Return the fields that a config gives, by key; what does not fit a field is left unknown, never guessed."""
    found: dict[str, Value] = {}
    keys = {name: item.key for item in fields() for name in (item.key, item.short)}
    for name, value in config.items():
        last = str(name).lower().replace("/", ".").rpartition(".")[2].replace("-", "_")
        key = keys.get(last) or _ALSO.get(last)
        if key is None or key in found or not isinstance(value, str | int | float):
            continue
        try:
            found[key] = check_value(field(key), _typed(value), strict=False)
        except RecipeError:
            continue
    if "lr" in found:  # a rate in another program is the rate itself
        found.setdefault("lr_scaling", "none")
    return found


def recipe_of(known: Mapping[str, Value], source: str, given: Mapping[str, Value]) -> Resolved:
    """Return a recipe with the known fields and those that the user gave; the source of all others is unknown."""
    values = {**known, **given}
    sources = dict.fromkeys((item.key for item in fields()), UNKNOWN)
    sources |= dict.fromkeys(known, source) | dict.fromkeys(given, "flag")
    return Resolved(recipe=msgspec.structs.replace(Recipe(), **values), preset="", sources=sources)


def _typed(value: str | int | float) -> str | int | float:
    """Return a whole number as an integer: hyperparameters of TensorBoard are all floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
