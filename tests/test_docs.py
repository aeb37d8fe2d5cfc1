"""What the documents name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simclr_tui.tui.actions import page

TOP = Path(__file__).parents[1]
PAGES = sorted([*TOP.glob("docs/*.md"), TOP / "README.md"])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_file_that_a_page_names_is_there(page):
    named = set(re.findall(r"`((?:simclr_tui|tests|docs|benchmarks)/[\w./-]+)`", page.read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if not (TOP / name).exists()] == []


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
        "optim/schedule",
        "distributed",
    ]
    for part in [*parts, "optim/grad_cache"]:
        assert f"simclr_tui/train/{part}.py" in text
