"""What the documents name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simclr_tui.tui.actions import page
from simclr_tui.version import __version__

TOP = Path(__file__).parents[1]
PAGES = sorted([*TOP.glob("docs/*.md"), *TOP.glob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_file_that_a_page_names_is_there(page):
    named = set(re.findall(r"`((?:simclr_tui|tests|docs|benchmarks)/[\w./-]+)`", page.read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if not (TOP / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_no_link_of_a_page_is_dead(page):
    dead = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not target.startswith(("https://", "http://")) and not (file.exists() and _has_anchor(file, anchor)):
            dead.append(target)
    assert dead == []


def _has_anchor(file: Path, anchor: str) -> bool:
    if not anchor or file.suffix != ".md":
        return not anchor
    text = file.read_text(encoding="utf-8")
    titles = {
        re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in re.findall(r"(?m)^#+ (.+)$", text)
    }
    return anchor in titles | set(re.findall(r'<a id="([^"]+)"', text))


def test_the_index_names_every_page():
    index = (TOP / "docs" / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in TOP.glob("docs/*.md")} - {"README.md"} <= set(LINK.findall(index))


def test_the_picture_of_the_rooms_is_that_of_the_imports(monkeypatch):
    monkeypatch.syspath_prepend(str(TOP / "scripts"))
    import draw_architecture

    folders = {path.parent.name for path in (TOP / "simclr_tui").glob("*/__init__.py")}
    assert folders <= set(draw_architecture.ROOMS), "a room without a description"
    drawn = (TOP / "docs" / "architecture.svg").read_text(encoding="utf-8")
    assert drawn == draw_architecture.draw(), "out of date: python scripts/draw_architecture.py"


def test_the_version_is_the_same_everywhere():
    assert f"version: {__version__}\n" in (TOP / "CITATION.cff").read_text(encoding="utf-8")
    newest = re.search(r"(?m)^## (\S+) – \d{4}-\d\d-\d\d$", (TOP / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert newest is not None
    assert newest[1] == __version__


def test_the_page_of_keys_is_that_of_the_table():
    assert (TOP / "docs" / "keys.md").read_text(encoding="utf-8") == page()


def test_the_method_page_names_every_part_of_the_training_step():
    text = (TOP / "docs" / "method.md").read_text(encoding="utf-8")
    parts = [
        "views/params",
        "views/apply",
        "model/resnet",
        "model/head",
        "loss",
        "optim/optimizer",
        "distributed",
    ]
    for part in [*parts, "optim/grad_cache"]:
        assert f"simclr_tui/train/{part}.py" in text
