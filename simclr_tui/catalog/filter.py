"""The filter language of `ls` and the dashboard: `state:running bs>=256 temp<0.5 knn>0.8 tag:paper "free text"`.

Terms are joined by "and". `key:a,b` is any of several; `-` before a term turns it round; a bare word or a quoted
text is looked for in name, note, tags and data.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from simclr_tui.catalog.row import Row, columns
from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import field
from simclr_tui.text import did_you_mean

Test = Callable[[Row], bool]

_TERM = re.compile(r'(?P<not>-?)(?:(?P<key>[A-Za-z_][\w-]*)(?P<op>>=|<=|!=|[=<>:~](?!=)))?(?P<value>"[^"]*"|[^\s"]+)')
_BROKEN = re.compile(r"([A-Za-z_][\w-]*)?[<>=!:~]")  # as bare text: a comparison that is not whole
_ORDER: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_ALIASES = {"tag": "tags"}
_SEARCHED = ("name", "note", "tags", "data", "preset")


@dataclass(frozen=True)
class Filter:
    """A parsed filter; calling it tells whether a row passes."""

    text: str
    tests: tuple[Test, ...]

    def __call__(self, row: Row) -> bool:
        return all(test(row) for test in self.tests)


def parse_filter(text: str) -> Filter:
    """Read a filter. Raises RecipeError naming the unknown column or the value that is not a number."""
    tests: list[Test] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TERM.match(text, position)
        if match is None:
            raise RecipeError(
                f"cannot read the filter from {text[position:]!r}", 'write key:value, key>=number or "text"'
            )
        if match["op"] is None and _BROKEN.match(match["value"]):
            raise RecipeError(
                f"{match['value']!r} is not a whole comparison", "write it in one: bs>=256, or quote the text"
            )
        test = _test(match["key"], match["op"], match["value"].strip('"'))
        tests.append(_negated(test) if match["not"] else test)
        position = match.end()
    return Filter(text, tuple(tests))


def _negated(test: Test) -> Test:
    return lambda row: not test(row)


def _test(key: str | None, op: str | None, value: str) -> Test:
    if key is None or op is None:
        return _contains(_SEARCHED, value)
    column = _column(key)
    if op in _ORDER:
        return _ordered(column, _ORDER[op], _number(key, value))
    if op == "~":
        return _contains((column,), value)
    test = _equals(column, value)
    return _negated(test) if op == "!=" else test


def _column(key: str) -> str:
    key = _ALIASES.get(key, key)
    if key in columns():
        return key
    try:
        return field(key).short
    except RecipeError:
        hint = did_you_mean(key, columns()) or "columns are those of simclr ls --json"
        raise RecipeError(f"no column {key!r} to filter by", hint) from None


def _number(key: str, value: str) -> float:
    try:
        return float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        raise RecipeError(f"{key} is compared with a number, not {value!r}", f"for example {key}>0.5") from None


def _contains(names: tuple[str, ...], value: str) -> Test:
    wanted = value.casefold()
    return lambda row: any(wanted in str(row.get(name) or "").casefold() for name in names)


def _ordered(column: str, compare: Callable[[float, float], bool], value: float) -> Test:
    def test(row: Row) -> bool:
        found = row.get(column)
        return isinstance(found, int | float) and compare(float(found), value)

    return test


def _equals(column: str, value: str) -> Test:
    options = value.casefold().split(",")

    def test(row: Row) -> bool:
        found = row.get(column)
        if column in ("tags", "flags"):
            return bool(set(options) & set(str(found or "").casefold().split(",")))
        return any(_same(found, option) for option in options)

    return test


def _same(found: object, option: str) -> bool:
    if isinstance(found, int | float) and not isinstance(found, bool):
        try:
            return float(found) == float(option)
        except ValueError:
            return False
    return str(found if found is not None else "").casefold() == option
