"""The quick reader of recipes reads what TOML's own parser reads, and refuses what it refuses."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simclr_tui.recipe import toml_lines
from simclr_tui.recipe.presets import presets
from simclr_tui.recipe.resolve import resolve, to_toml

LINES = st.lists(
    st.sampled_from(
        ["", "# x", "a = 1", "a = 2", "b = 'x'", 'c = "y\\n"', "d = 1e-3", "e = true", "[t]", "[u]", "[t.v]", "[[w]]",
         "a.b = 1", "t = 1", "[a]", '"" = 1', '[""]', "f = [1,", "2]", 'g = """', '"""', "h = {x = 1}", "i = 1 # z",
         "  j = 3", " [k]", "[l] # m", "bad", "n = nan", "o = 1979-05-27", "p = '''", "'''", "\r", "q = 1\r", "\x00"]
    ) | st.text(max_size=12),
    max_size=9,
)  # fmt: skip


def outcome(read, text):
    try:
        return repr(read(text))
    except (ValueError, RecursionError) as error:
        return type(error), str(error)


@settings(max_examples=500, deadline=None)
@given(LINES)
def test_lines_in_any_order_mean_what_they_mean_to_tomllib(lines):
    text = "\n".join(lines)
    assert outcome(toml_lines.loads, text) == outcome(tomllib.loads, text)


@pytest.mark.parametrize("preset", presets())
def test_a_recipe_is_read_without_the_slow_parser(preset, monkeypatch):
    text = to_toml(resolve(preset))
    expected = tomllib.loads(text)
    assert toml_lines.loads(text) == expected
    monkeypatch.setattr(tomllib, "loads", None)  # every line is known by now
    assert toml_lines.loads(text) == expected


def test_what_was_read_is_the_callers_own():
    toml_lines.loads("[t]\na = 1")["t"]["a"] = 2
    assert toml_lines.loads("[t]\na = 1") == {"t": {"a": 1}}
