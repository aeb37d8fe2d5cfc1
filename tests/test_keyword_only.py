"""A call with more than three arguments says what each of them is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import simclr_tui

PACKAGE = Path(simclr_tui.__file__).parent
ROOMS = ("launch", "sweep")
OPTUNAS = {"sample_independent"}  # a method of a library's class has that library's arguments


@pytest.mark.parametrize("room", ROOMS)
def test_arguments_beyond_three_are_keyword_only(room):
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in OPTUNAS
        if len([*node.args.posonlyargs, *node.args.args]) > 3 + _is_method(node)
    ]
    assert found == []


def _is_method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return bool(node.args.args) and node.args.args[0].arg in ("self", "cls")
