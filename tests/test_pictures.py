"""The pictures of the README can still be drawn by their command, from the runs that are kept for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from simclr_tui.store.store import Store

DOCS = Path(__file__).parent.parent / "docs"


def test_the_command_draws_every_picture_of_the_readme_from_the_example(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", str(DOCS / "pictures.sh"), str(DOCS / "example"), str(tmp_path)]
    subprocess.run(command, env={**os.environ, "PATH": path}, check=True, timeout=300, stdin=subprocess.DEVNULL)
    drawn = {picture.name: picture.read_text() for picture in tmp_path.glob("*.svg")}
    assert set(drawn) == {"dashboard.svg", "dashboard-light.svg", "compare.svg"}
    names = Store(DOCS / "example").names()
    assert len(names) >= 12
    for name in names:
        assert name in drawn["dashboard.svg"], "the list shows every run"
    assert "Differences" in drawn["compare.svg"]
    assert "cannot be read" not in "".join(drawn.values())


def test_the_example_has_the_states_that_people_meet_and_stays_small():
    store = Store(DOCS / "example")
    runs = [store.run(name) for name in store.names()]
    assert {"finished", "failed", "stopped", "queued"} <= {run.status.state for run in runs}
    assert sum(file.stat().st_size for file in (DOCS / "example").rglob("*") if file.is_file()) < 1_000_000
