"""A call with more than three arguments says what each of them is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import simclr_tui

PACKAGE = Path(simclr_tui.__file__).parent
ROOMS = sorted({path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")})

LIBRARYS = {"sample_independent", "forward"}  # methods of Optuna's and torch's classes, which call them
TABLES = {"_about", "_share"}  # rows of a table whose columns read in order: name, title, …
FORMULAS = (  # pure functions of tensors and numbers, with the paper's symbols in the paper's order
    "train/model/norms.py",
    "train/views/",
    "train/loss.py",
    "train/optim/optimizer.py",
    "train/rng.py",
    "recipe/schedule.py",
)


@pytest.mark.parametrize("room", ROOMS)
def test_arguments_beyond_three_are_keyword_only(room):
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
        for path in _modules(room)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name not in LIBRARYS | TABLES and not _is_command(path, node.name)
        if len([*node.args.posonlyargs, *node.args.args]) > 3 + _is_method(node)
    ]
    assert found == []


def _modules(room: str) -> list[Path]:
    files = [PACKAGE / room] if room.endswith(".py") else sorted((PACKAGE / room).rglob("*.py"))
    return [path for path in files if not path.relative_to(PACKAGE).as_posix().startswith(FORMULAS)]


def _is_method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return bool(node.args.args) and node.args.args[0].arg in ("self", "cls")


def _is_command(path: Path, name: str) -> bool:
    """Return True for a Typer command, whose arguments are the words that a user types."""
    return path.parent == PACKAGE / "cli" / "commands" and not name.startswith("_")
