"""The notebook's code runs from top to bottom, in one interpreter, as a reader would run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def test_the_first_hour_runs(monkeypatch, tmp_path):
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the notebook's store is made
    cells = json.loads((DOCS / "first-hour.ipynb").read_text(encoding="utf-8"))["cells"]
    script = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    done = subprocess.run([sys.executable, "-c", script], cwd=DOCS, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "baseline         finished  temp 0.5  kNN 30.1%" in done.stdout
    assert "images (4, 3, 16, 16) -> h (4, " in done.stdout
    assert list(tmp_path.glob("*/baseline.svg"))
