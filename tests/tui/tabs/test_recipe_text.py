"""The Recipe tab's text: values that differ look different, every column is named, and every line fits."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from simclr_tui.recipe.resolve import Resolved, resolve
from simclr_tui.tui.feed.messages import Detail
from simclr_tui.tui.tabs.recipe_text import recipe_text

PATHS = [f"folder:/data/of/a/long/way/to/the/images-of-{which}/train" for which in ("2024", "2025", "2026")]


def _detail(*recipes: Resolved, marked: tuple[str, ...]) -> Detail:
    others = tuple(zip(marked[1:], recipes[1:], strict=True))
    return Detail(marked[0], None, recipes[0], others=others, marked=marked)


@pytest.mark.parametrize("width", [77, 150])
def test_values_that_differ_are_never_shown_alike_and_every_line_fits(width):
    recipes = [
        resolve("quick", None, {"data": path, "temp": temp, "lr": 0.3})
        for path, temp in zip(PATHS, (0.12345, 0.12346, 0.123456789), strict=True)
    ]
    lines = recipe_text(
        _detail(*recipes, marked=("one", "two", "three")), width, only_differences=True
    ).plain.splitlines()
    assert [line for line in lines if cell_len(line.rstrip()) > width] == []
    assert lines[2].split() == ["a", "one", "b", "two", "c", "three"]
    temp = next(line for line in lines if line.startswith("≠ temp "))
    assert temp.split()[2:5] == ["0.12345", "0.12346", "0.123456789"]
    at = [lines[2].index(sign) for sign in ("a one", "b two", "c three")]
    start = next(index for index, line in enumerate(lines) if line.startswith("≠ data "))
    stop = next(index for index in range(start + 1, len(lines)) if not lines[index].strip() or lines[index][0] == "≠")
    ends = [*at[1:], 2 * at[2] - at[1]]
    for path, left, right in zip(PATHS, at, ends, strict=True):
        assert "".join(line[left:right].strip() for line in lines[start:stop]) == path


def test_runs_without_room_are_counted():
    marked = tuple(f"run{number}" for number in range(5))
    recipes = [resolve("quick", None, {"seed": number}) for number in range(5)]
    for width, left_out in ((56, 3), (150, 1)):
        lines = recipe_text(_detail(*recipes, marked=marked), width, only_differences=True).plain.splitlines()
        assert f"{left_out} more marked: = compares all" in lines
        assert [line for line in lines if cell_len(line.rstrip()) > width] == []


def test_one_run_has_its_values_and_their_sources_in_columns():
    lines = recipe_text(
        _detail(resolve("quick", None, {"temp": 0.2}), marked=("run1",)), 77, only_differences=False
    ).plain.splitlines()
    assert lines[0] == "run1  preset quick"
    temp, crop = (next(line for line in lines if line.split()[:1] == [name]) for name in ("temp", "crop_min"))
    assert temp.split() == ["temp", "0.2", "flag"]
    assert temp.index("flag") == crop.index("preset quick")
