"""The Recipe's fields as data, from which flags, form, tables and docs are made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import msgspec
from msgspec import inspect

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.text import did_you_mean, number, shortest

Value = str | int | float | bool


@dataclass(frozen=True)
class Field:
    """Describe one hyperparameter: its key in files, its flag, its help and what it accepts."""

    key: str
    flag: str
    help: str
    group: str
    paper: str
    type: type
    default: Value
    accepts: str
    choices: tuple[str, ...] = ()
    result: bool = True  # False where the trained encoder does not depend on it, as with the device
    hidden: bool = False  # accepted like any field, but offered by neither --help nor the form

    @cached_property
    def short(self) -> str:
        """Return the flag as a column name for tables, filters and SQL (`bs`, `temp`, `lr_scaling`)."""
        return self.flag.split("/")[0].removeprefix("--").replace("-", "_")

    def parse(self, text: str) -> Value:
        """Return the typed value of a text that a person wrote. Raises RecipeError naming the flag."""
        return check_value(self, text.strip(), strict=False)


_TYPES: dict[type, type] = {
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.StrType: str,
    inspect.BoolType: bool,
    inspect.LiteralType: str,
}


@cache
def fields() -> tuple[Field, ...]:
    """Return every field of the Recipe, in the order of declaration."""
    described = inspect.type_info(Recipe)
    assert isinstance(described, inspect.StructType)
    return tuple(_field(field) for field in described.fields)


def _field(declared: inspect.Field) -> Field:
    about = declared.type
    assert isinstance(about, inspect.Metadata)
    extra, schema = about.extra or {}, about.extra_json_schema or {}
    choices = tuple(str(value) for value in about.type.values) if isinstance(about.type, inspect.LiteralType) else ()
    return Field(
        key=declared.name,
        flag=extra["flag"],
        help=schema["description"],
        group=extra["group"],
        paper=extra["paper"],
        type=_TYPES[type(about.type)],
        default=declared.default,
        accepts=f"one of {', '.join(choices)}" if choices else _accepts(about.type),
        choices=choices,
        hidden=extra["hidden"],
        result=extra["result"],
    )


def _accepts(plain: inspect.Type) -> str:
    """Return what a value must be, in words: `a whole number ≥ 2`."""
    if isinstance(plain, inspect.BoolType):
        return "true or false"
    if not isinstance(plain, inspect.IntType | inspect.FloatType):
        return "text in the form that --help gives"
    bounds = ((">", plain.gt), ("≥", plain.ge), ("<", plain.lt), ("≤", plain.le))
    limits = " and ".join(f"{sign} {number(value)}" for sign, value in bounds if value is not None)
    return f"a {'whole ' if isinstance(plain, inspect.IntType) else ''}number {limits}".strip()


@cache
def _by_name() -> dict[str, Field]:
    return {name: field for field in fields() for name in (field.key, field.short)}


def field(name: str) -> Field:
    """Return the field with that key or short name. Raises RecipeError suggesting the closest name."""
    known = _by_name()
    key = name.replace("-", "_")
    found = known.get(name) or known.get(key)
    if found is None:
        raise RecipeError(f"the recipe has no field {name!r}", did_you_mean(name, known) or "see simclr run --help")
    return found


def check_value(field: Field, value: Any, strict: bool = True) -> Value:
    """Return the value in the field's type. Raises RecipeError naming the flag, the value and what is allowed."""
    try:
        checked: Value = getattr(msgspec.convert({field.key: value}, Recipe, strict=strict), field.key)
        if isinstance(checked, float) and not math.isfinite(checked):
            raise msgspec.ValidationError
        if isinstance(checked, str):
            checked.encode()
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise RecipeError(
            f"{field.flag.split('/')[0]} must be {field.accepts}, not {value!r}", f"its meaning: {field.help}"
        ) from None
    return checked


def short_values(recipe: Recipe) -> dict[str, Value]:
    """Return the value of every field by short name, in order; numbers in their shortest form."""
    values = {item.short: getattr(recipe, item.key) for item in fields()}
    # A recipe keeps the number that it was trained with; two that differ by rounding alone are shown as one.
    return {name: shortest(value) if type(value) is float else value for name, value in values.items()}


@cache
def without_result() -> frozenset[str]:
    """Return the short names of the fields that do not affect what is learnt."""
    return frozenset(item.short for item in fields() if not item.result)


def differ(values: Sequence[object]) -> bool:
    """Return whether the known values (not None) differ."""
    if values.count(values[0]) == len(values):  # a fast path for most columns of most lists
        return False
    known = [value for value in values if value is not None]
    return known.count(known[0]) < len(known)
