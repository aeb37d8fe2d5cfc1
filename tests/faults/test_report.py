"""The page of what survives what is what the tests promise and tried, and leaves nothing out."""

from __future__ import annotations

import ast
import re

from tests.faults.counting import ROOT, joined, read, write
from tests.faults.promises import PROMISES
from tests.faults.report import PAGE, drawn

TRIED = read()
REPORT = PAGE.read_text(encoding="utf-8")


def counted():
    """(row, test) of every call of `fault` in the tests."""
    found = set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or not function.name.startswith(
                "test_"
            ):
                continue
            test = f"{path.relative_to(ROOT)}::{function.name}"
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            found |= {(call.args[0].value, test) for call in calls if ast.unparse(call.func) == "fault"}
    return found


def test_the_page_shows_what_was_tried():
    assert drawn(REPORT, TRIED) == REPORT, "type: python -m tests.faults.report"


def test_what_was_tried_is_what_the_tests_count():
    missing = "type: pytest TEST --faults=full --faults-report=tests/faults/tried.json"
    assert {(one.row, one.test) for one in TRIED} == counted(), missing


def test_every_promise_is_counted_or_says_what_there_is_instead():
    rows = [promise.row for promise in PROMISES]
    assert len(rows) == len(set(rows)) == len(re.findall(r"^\| .*</a>F\d+ \|", REPORT, re.MULTILINE))
    assert {one.row for one in TRIED} <= set(rows)
    for promise in PROMISES:
        assert promise.also or any(one.row == promise.row for one in TRIED), promise.row


def test_every_row_has_the_files_that_are_named_after_it():
    for path in sorted((ROOT / "tests" / "faults").glob("test_f[0-9]*.py")):
        row = next(line for line in REPORT.splitlines() if f"</a>F{int(path.name[6:8])} |" in line)
        assert f"`tests/faults/{path.name}`" in row


def test_what_the_readme_promises_links_to_rows_that_are_there():
    linked = re.findall(r"\[(F\d+)\]\(docs/reliability\.md#f(\d+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(linked) > 10
    for name, number in linked:
        assert name == f"F{number}"
        assert f'<a id="f{number}"></a>{name} |' in REPORT


def test_every_test_it_names_is_there():
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", REPORT))
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_a_new_try_takes_the_place_of_the_same_one_and_leaves_the_others(tmp_path):
    path = tmp_path / "tried.json"
    write(path, TRIED[:3])
    one = TRIED[1]
    again = [type(one)(one.row, one.test, one.what, one.seed, 2, 5, failed) for failed in (0, 1)]
    write(path, joined(again))
    first, second, third = read(path)
    assert (first.count, third.count) == (TRIED[0].count, TRIED[2].count)
    assert (second.count, second.full, second.failed) == (4, 10, 1)
    assert f"4 of 10 {one.what}" in drawn(REPORT, read(path))
