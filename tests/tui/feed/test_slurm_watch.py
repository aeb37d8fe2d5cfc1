"""What Slurm says of its jobs reaches the dashboard, and never keeps it waiting."""

from __future__ import annotations

import os

import msgspec
import pytest

from simclr_tui.paths import QUEUE, QueuePaths
from simclr_tui.store.slurm_file import Job
from simclr_tui.store.state import read_state
from simclr_tui.tui.app import Dashboard
from simclr_tui.tui.feed import slurm_watch
from simclr_tui.tui.screenshot import settle
from tests.run_factory import make_run
from tests.training import until as until_here
from tests.tui.driving import WIDE, dashboard, notices, press, screen_text, until

# Stands in for Slurm: says what stands in `said`, as soon as `free` is there; counts how often it was asked.
SQUEUE = """#!/bin/sh
echo asked >> "{folder}/asked"
while [ ! -e "{folder}/free" ]; do sleep 0.05; done
cat "{folder}/said"
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder with a `squeue` first on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "squeue").write_text(SQUEUE.format(folder=folder))
    (folder / "squeue").chmod(0o755)
    (folder / "said").write_text("7|PENDING|Resources\n")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm_watch, "INTERVAL", 0.1)
    yield folder
    (folder / "free").touch()  # nothing stays behind that waits for it


@pytest.fixture
def run(tmp_path, slurm):
    """It waits as job 7."""
    run = make_run(tmp_path / "runs", "run1", state="queued")
    run.paths.slurm.write_bytes(msgspec.json.encode(Job(id="7")))
    marker = QueuePaths(tmp_path / "runs" / QUEUE).slurm
    marker.parent.mkdir()
    marker.touch()
    return run


def asked(slurm):
    return (slurm / "asked").read_text().count("asked") if (slurm / "asked").exists() else 0


async def test_a_job_that_waits_and_then_is_gone_is_told_and_slurm_keeps_no_key_waiting(slurm, run):
    async with dashboard(run.path.parent) as (app, pilot):
        await until(pilot, lambda: asked(slurm) == 1, what="the first question")
        await press(app, pilot, "question_mark")  # Slurm has not answered
        assert "Slurm: Resources" not in screen_text(app)
        await press(app, pilot, "escape")
        (slurm / "free").touch()
        await until(pilot, lambda: read_state(run.paths).reason == "Slurm: Resources", what="the reason")
        (slurm / "said").write_text("")
        await until(pilot, lambda: "run1" in notices(app), what="the news")
        assert read_state(run.paths).state == "lost"
        assert "job 7 is gone" in notices(app)
        # Nothing is left to ask for.
        await until(pilot, lambda: not run.paths.slurm.exists(), what="the job to be let go")
        before = asked(slurm)
        await settle(pilot, app)
        assert asked(slurm) == before


async def test_a_dashboard_that_only_looks_asks_nothing_and_writes_nothing(slurm, run):
    (slurm / "free").touch()
    app = Dashboard(run.path.parent, readonly=True)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot, app)
        assert not app.cluster.is_alive()
    assert asked(slurm) == 0


def test_a_damaged_run_keeps_no_other_from_being_told(slurm, run):
    (slurm / "free").touch()
    other = make_run(run.path.parent, "run2", state="queued")
    other.paths.slurm.write_bytes(run.paths.slurm.read_bytes())
    run.paths.state.write_bytes(b"torn")
    faults = []
    watch = slurm_watch.ClusterWatch(run.path.parent, faults.append)
    watch.start()
    until_here(lambda: read_state(other.paths).reason == "Slurm: Resources" or faults, what="the reason")
    until_here(lambda: asked(slurm) > 1 or faults, what="another question")
    watch.stop()
    watch.join(30)
    assert not watch.is_alive()
    assert faults == []
