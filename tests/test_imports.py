"""The package's own imports, file by file: no circle, nothing that runs up between rooms, no room too large to see."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import simclr_tui

ROOT = Path(simclr_tui.__file__).parent
PACKAGE = ROOT.name
LARGEST = 30  # modules of one folder

# From the ground up; rooms of one line do not import each other.
STOREYS = (
    ("errors",),
    ("boot", "group_mode"),
    ("atomic", "clock", "interpreter", "limits", "paths", "regular_file", "text", "version"),
    ("config", "deferred_sync"),
    ("recipe",),
    ("store",),
    ("catalog", "display", "hardware", "imports", "train"),
    ("launch", "evaluate", "tasks"),
    ("sweep", "doctor"),
    ("report",),
    ("cli", "tui"),
    ("bench",),  # measures the faces; nothing imports it
    ("api",),
    ("__main__",),
)
# The one line by which the command line opens the dashboard.
DOORS = ("simclr_tui.cli.commands.tui",)


def modules():
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = (PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports():
    """Every module with the modules of the package that it imports, wherever in the file, type-only ones included."""
    known = modules()
    graph = {}
    for name, path in known.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names if alias.name in known}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
                members = [f"{node.module}.{alias.name}" for alias in node.names]
                found |= {member if member in known else node.module for member in members}
        graph[name] = found - {name}
    return graph


def circles(graph):
    """The groups of modules that import each other, by Tarjan's algorithm."""
    index, low, stack, found = {}, {}, [], []

    def visit(name):
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def storey(name):
    room = name.split(".")[1] if "." in name else ""
    return next((number for number, rooms in enumerate(STOREYS) if room in rooms), len(STOREYS))


def test_no_two_files_import_each_other():
    assert circles(imports()) == []


def test_the_search_for_circles_finds_one():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "d"}}) == [["b", "c"]]


def test_no_import_runs_up_or_across():
    wrong = []
    for name, found in imports().items():
        for other in found:
            room, wanted = name.split(".")[1:2], other.split(".")[1:2]
            up = storey(other) > storey(name) or (storey(other) == storey(name) and room != wanted)
            if room and up and name not in DOORS:
                wrong.append((name, other))
    assert sorted(wrong) == []


def test_every_room_has_its_storey():
    rooms = {name.split(".")[1] for name in modules() if "." in name}
    assert rooms == {room for rooms in STOREYS for room in rooms}


def test_no_folder_has_more_modules_than_one_can_see():
    sizes = Counter(path.parent for path in modules().values() if path.name != "__init__.py")
    assert {str(folder.relative_to(ROOT)): count for folder, count in sizes.items() if count > LARGEST} == {}
