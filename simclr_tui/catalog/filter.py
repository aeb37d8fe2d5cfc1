"""The filter language of `ls` and the dashboard: `state:running bs>=256 temp<0.5 knn>0.8 tag:paper "free text"`.

Terms are joined by "and". `key:a,b` matches any of several values; `-` before a term negates it; a bare word or a
quoted text is searched for in name, note, tags, data and preset.
"""

from __future__ import annotations

import contextlib
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simclr_tui.catalog.row import Row, columns, find_column
from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import field
from simclr_tui.store.comparable import DIGESTS, EVALUATED_DIGESTS
from simclr_tui.store.state import STATES

Test = Callable[[Row], bool]

_TERM = re.compile(r'(?P<not>-?)(?:(?P<key>[A-Za-z_][\w-]*)(?P<op>>=|<=|!=|[=<>:~](?!=)))?(?P<value>"[^"]*"|[^\s"]+)')
_BROKEN = re.compile(r"([A-Za-z_][\w-]*)?[<>=!:~]")  # as bare text: a comparison that is not whole
_ORDER: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_INTERNAL = {"path", "fingerprint", "error", *DIGESTS.values(), *EVALUATED_DIGESTS.values()}
_SEARCHED = ("name", "note", "tags", "data", "preset")


@dataclass(frozen=True)
class Filter:
    """Hold a parsed filter; calling it returns whether a row passes.

    It reads the columns `reads`; None says that it reads figures as text, which a database may write differently.
    """

    text: str
    tests: tuple[Test, ...]
    reads: frozenset[str] | None = frozenset()

    def __call__(self, row: Row) -> bool:
        return all(test(row) for test in self.tests)


def parse_filter(text: str) -> Filter:
    """Parse a filter. Raises RecipeError naming an unknown column or a value that is not a number."""
    tests: list[Test] = []
    reads: set[str] = set()
    as_text = False
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
        read = _SEARCHED if match["key"] is None else (find_column(match["key"], "filter by"),)
        reads.update(read)
        as_text = as_text or (match["op"] == "~" and any(columns()[name] is not str for name in read))
        position = match.end()
    return Filter(text, tuple(tests), None if as_text else frozenset(reads))


def complete_filter(text: str, rows: Iterable[Row] = ()) -> list[str]:
    """Return the completions of the last term of `text`: columns, or the values that a column has in `rows`."""
    head, _, term = text.rpartition(" ")
    start = f"{head} " if head else ""
    sign = "-" if term.startswith("-") else ""
    key, colon, value = term.removeprefix("-").partition(":")
    if not colon:
        names = ["tag", *(name for name in columns() if name not in _INTERNAL)]
        return [f"{start}{sign}{name}{_sign(name)}" for name in names if key and name.startswith(key)]
    try:
        column = find_column(key, "filter by")
    except RecipeError:
        return []
    before, comma, last = value.rpartition(",")
    return [f"{start}{sign}{key}:{before}{comma}{v}" for v in _values(column, rows) if v.startswith(last)]


def _sign(name: str) -> str:
    return ":" if name == "tag" or columns()[name] in (str, bool) else ">="


def _values(column: str, rows: Iterable[Row]) -> list[str]:
    """Return the words found in a column, and those that are always valid there."""
    found: set[str] = set(STATES) if column == "state" else set()
    with contextlib.suppress(RecipeError):
        found |= set(field(column).choices)
    for row in rows:
        found |= {word for word in str(row.get(column) or "").split(",") if word and " " not in word}
    return sorted(found)


def _negated(test: Test) -> Test:
    return lambda row: not test(row)


def _test(key: str | None, op: str | None, value: str) -> Test:
    if key is None or op is None:
        return _contains(_SEARCHED, value)
    column = find_column(key, "filter by")
    if op in _ORDER:
        return _ordered(column, _ORDER[op], _number(key, value))
    if op == "~":
        return _contains((column,), value)
    test = _equals(column, value)
    return _negated(test) if op == "!=" else test


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
