"""Docstrings begin with what the thing does, so that a list of first sentences reads as one."""

from __future__ import annotations

import ast
from pathlib import Path

import simclr_tui

PACKAGE = Path(simclr_tui.__file__).parent
NO_VERBS = frozenset(("The", "A", "An", "This", "These", "Those", "One", "Some", "What", "Whether", "How", "Why"))
SHIPPED = frozenset(("tasks/plain_resnet.py",))  # beside an exported encoder, whose readers know modules by nouns


def test_a_class_or_a_function_is_described_by_what_it_does():
    nouns = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}: {text.splitlines()[0]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in SHIPPED
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if (text := ast.get_docstring(node)) and text.split()[0].rstrip(",:") in NO_VERBS
    ]
    assert nouns == []
