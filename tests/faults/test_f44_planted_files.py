"""F44: pipes, endless files and links in a run's folder make a damaged run of it, and nothing waits or leaves it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from simclr_tui.launch.start import create
from simclr_tui.store.store import Store
from tests.run_factory import make_run, metric_line, save_checkpoint, write_metrics
from tests.test_regular_file import KINDS
from tests.training import tiny_plan, train_in_process

STREAMS = ("metrics.jsonl", "hardware.jsonl", "output.log")  # as long as the run is, and read a piece at a time
LOOKING = """
import sys
from pathlib import Path
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.errors import SimclrError
from simclr_tui.launch.queue.queue import waiting_runs, why_paused
from simclr_tui.store.store import Store
store = Store(Path(sys.argv[1]))
Catalog(store).rows(), waiting_runs(store), why_paused(store)
for name in store.names():
    run = store.run(name)
    for look in (lambda: run.status, lambda: run.info, lambda: run.recipe, run.history, lambda: run.events,
                 lambda: run.checkpoints):
        try: look()
        except SimclrError: pass
print("done")
"""


@pytest.fixture
def run(tmp_path):
    run = make_run(tmp_path / "runs")
    write_metrics(run.paths, 1, [metric_line(step, loss=1.0) for step in range(9)])
    save_checkpoint(run.paths, 8)
    return run


def places(run):
    paths, attempt = run.paths, run.paths.attempt(1)
    named = [paths.recipe, paths.state, paths.ticket, paths.slurm, paths.lock, paths.launch_lock, paths.checkpoint(8)]
    return [*named, paths.manifest(8), attempt.events, attempt.metrics, attempt.hardware, attempt.log]


@pytest.mark.parametrize("put", KINDS)
def test_a_run_of_such_files_is_looked_at_in_no_time(run, put, fault):
    small = [path for path in places(run) if put is not KINDS[3] or path.name not in STREAMS]
    for path in small:
        path.unlink(missing_ok=True)
        put(path)
        (path.parent / "target").rename(path.parent / f"target-{path.name}") if put is KINDS[1] else None
    fault("F44", len(small), "pipes, links, folders and files of 20 GB", few=len(small))
    command = [sys.executable, "-c", LOOKING, run.path.parent]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "done\n", done.stderr


@pytest.mark.parametrize("name", ["checkpoints", "evaluations", "attempt-0001/events.jsonl"])
def test_a_trainer_writes_nothing_where_a_link_points(tmp_path, name, fault):
    fault("F44", 1, "links that lead out of a run that begins to train")
    run, outside = create(Store(tmp_path / "runs"), tiny_plan()), tmp_path / "outside"
    outside.mkdir()
    (outside / "step-00000001.pt").write_bytes(b"theirs")
    (outside / "lines").write_bytes(b"theirs\n")
    place = run.path / name
    shutil.rmtree(place, ignore_errors=True)
    place.symlink_to(outside / "lines" if place.suffix else outside)
    done = train_in_process(run)
    assert done.returncode != 0
    assert "link" in done.stderr
    assert sorted(path.name for path in outside.iterdir()) == ["lines", "step-00000001.pt"]
    assert {path.read_bytes() for path in outside.iterdir()} == {b"theirs", b"theirs\n"}
