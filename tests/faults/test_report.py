"""The table of what survives what names tests that are there, and every file of a row is in it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_test_it_names_is_there():
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", REPORT))
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_row_with_a_file_is_told():
    for path in sorted(Path(__file__).parent.glob("test_f[0-9]*.py")):
        number = int(path.name[6:8])
        row = next(line for line in REPORT.splitlines() if line.startswith(f"| F{number} |"))
        assert f"`tests/faults/{path.name}`" in row
