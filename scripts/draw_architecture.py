"""Draw docs/architecture.svg from the package's own imports: `python scripts/draw_architecture.py`.

A room is a folder of the package. An arrow means that some module of one room imports one of the other; an arrow that
follows from two others is left out. A dashed arrow means that one room starts the other as a process.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from html import escape
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
PACKAGE = TOP / "simclr_tui"
TARGET = TOP / "docs" / "architecture.svg"
GROUND = "ground floor"

# What each room is for; the order is that of the columns, control plane first.
ROOMS = {
    "api": "from Python",
    "cli": "one command per file",
    "tui": "the dashboard",
    "doctor": "is this machine ready?",
    "report": "one file to hand on",
    "sweep": "many runs as one experiment",
    "launch": "start, stop, queue, Slurm",
    "imports": "other programs' runs",
    "display": "how states are shown",
    "hardware": "GPU and host samples",
    "catalog": "index, filters, comparison",
    "bench": "how fast",
    "evaluate": "is the encoder any good?",
    "tasks": "export, embed, preview",
    "train": "the training loop",
    "store": "what happened: run folders",
    "recipe": "what to train",
    GROUND: "errors, paths, text, locks",
}
TRAINING_PLANE = {"bench", "evaluate", "tasks", "train"}

Edges = dict[str, set[str]]

_WIDE, _HIGH, _GAP, _RISE = 186, 46, 22, 104


def imports() -> Edges:
    """Return the rooms that each room imports, type-only imports included."""
    found: Edges = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent == PACKAGE and path.stem in ("__init__", "__main__"):
            continue
        for module in _imported(ast.parse(path.read_text(encoding="utf-8"))):
            if _room_of(module) != (room := _room_of(_name(path))):
                found[room].add(_room_of(module))
    return found


def processes() -> Edges:
    """Return the rooms that each room starts as processes: it names their modules in strings, for `python -m`."""
    found: Edges = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        room = _room_of(_name(path))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if text.startswith("simclr_tui.") and text.replace(".", "").replace("_", "").isalnum():
                other = _room_of(text)
                if other in TRAINING_PLANE and room not in TRAINING_PLANE | {"api"}:
                    found[room].add(other)
    return found


def reduced(edges: Edges) -> Edges:
    """Return the edges without those that follow from two or more others."""
    return {room: {other for other in below if not _reached(edges, below - {other}, other)} for room, below in
            edges.items()}  # fmt: skip


def levels(edges: Edges) -> dict[str, int]:
    """Return each room's height: one above the highest room that it imports."""

    def height(room: str) -> int:
        return 1 + max((height(other) for other in edges.get(room, ())), default=-1)

    return {room: height(room) for room in ROOMS}


def draw() -> str:
    """Return the picture as SVG, the same text for the same imports."""
    edges = imports()
    places = _places(levels(edges))
    width = max(x for x, _ in places.values()) + _WIDE + _GAP
    height = max(y for _, y in places.values()) + _HIGH + 62
    parts = [_HEAD.format(width=width, height=height)]
    for kind, drawn in (("imports", reduced(edges)), ("starts", processes())):
        for room, below in sorted(drawn.items()):
            parts += [_arrow(places[room], places[other], kind) for other in sorted(below)]
    parts += [_box(room, *place) for room, place in places.items()]
    parts.append(f'<text class="note" x="{_GAP}" y="{height - 16}">{escape(_CAPTION)}</text></svg>\n')
    return "\n".join(parts)


_CAPTION = "Solid: imports, arrows that follow from others left out. Dashed: starts as a process. Orange: needs torch."
_HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">
<title>The rooms of simclr_tui and what they import</title>
<style>
text {{ font-size: 15px; fill: #1f2328; text-anchor: middle }}
text.what, text.note {{ font-size: 11px; fill: #57606a }}
text.note {{ text-anchor: start }}
rect.room {{ fill: #ddf4ff; stroke: #0969da }}
rect.torch {{ fill: #fff1e5; stroke: #bc4c00 }}
path {{ fill: none; stroke: #57606a; stroke-width: 1.2; marker-end: url(#tip) }}
path.starts {{ stroke: #bc4c00; stroke-dasharray: 5 4 }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<polygon points="0,0 8,4 0,8" fill="#57606a"/></marker></defs>
<rect width="100%" height="100%" fill="#ffffff"/>"""


def _places(heights: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return the top left corner of each room; each level is a row, centred, the highest on top."""
    rows: dict[int, list[str]] = defaultdict(list)
    for room in ROOMS:
        rows[heights[room]].append(room)
    widest = max(len(row) for row in rows.values())
    places = {}
    for level, row in rows.items():
        left = _GAP + (widest - len(row)) * (_WIDE + _GAP) // 2
        for column, room in enumerate(row):
            places[room] = (left + column * (_WIDE + _GAP), _GAP + (max(rows) - level) * _RISE)
    return places


def _box(room: str, x: int, y: int) -> str:
    style = "torch" if room in TRAINING_PLANE else "room"
    middle = x + _WIDE // 2
    return (
        f'<rect class="{style}" x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="6"/>'
        f'<text x="{middle}" y="{y + 20}">{room}</text>'
        f'<text class="what" x="{middle}" y="{y + 37}">{escape(ROOMS[room])}</text>'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int], kind: str) -> str:
    x, y = start[0] + _WIDE // 2, start[1] + _HIGH
    to_x, to_y = end[0] + _WIDE // 2, end[1] - 2
    if to_y <= y:  # a process of the same height or above: leave by the side
        y, to_y = start[1] + _HIGH // 2, end[1] + _HIGH // 2
        x, to_x = start[0] + _WIDE, end[0] - 2
        return f'<path class="{kind}" d="M{x},{y} C{x + 60},{y} {to_x - 60},{to_y} {to_x},{to_y}"/>'
    bend = (to_y - y) // 2
    return f'<path class="{kind}" d="M{x},{y} C{x},{y + bend} {to_x},{to_y - bend} {to_x},{to_y}"/>'


def _reached(edges: Edges, starts: set[str], target: str) -> bool:
    seen: set[str] = set()
    ahead = list(starts)
    while ahead:
        room = ahead.pop()
        if room == target:
            return True
        if room not in seen:
            seen.add(room)
            ahead += edges.get(room, set())
    return False


def _name(path: Path) -> str:
    return ".".join(path.relative_to(TOP).with_suffix("").parts)


def _room_of(module: str) -> str:
    top = module.split(".")[1]
    return top if top in ROOMS else GROUND


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("simclr_tui."):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("simclr_tui."))


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
    print(f"wrote {TARGET.relative_to(TOP)}")
