"""F32: a delete, a tag edit, a rename or an export that is killed is done or not done, and can be done again."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from simclr_tui.store.export.metrics import export_metrics
from simclr_tui.store.labels import edit_run
from simclr_tui.store.store import Store
from tests.run_factory import make_run, metric_line, write_metrics

SEED = 32


@pytest.fixture
def store(tmp_path):
    run = make_run(tmp_path / "runs", "run1", tags=["old"], note="kept")
    write_metrics(run.paths, 1, [metric_line(step, loss=5.0 / step) for step in range(1, 200)])
    return Store(tmp_path / "runs")


def killed(act, chance) -> bool:
    """Do it in a process that is killed after a moment, mostly in the middle of it. Whether it was killed in time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"!")
        try:
            act()
        finally:
            os._exit(0)
    os.read(reading, 1)
    moment = time.perf_counter() + chance.random() * chance.choice([0.0005, 0.003, 0.01])
    while time.perf_counter() < moment:
        pass
    os.kill(child, signal.SIGKILL)
    os.close(reading)
    os.close(writing)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_killed_delete_leaves_the_run_whole_in_one_of_two_places(store, fault):
    chance = random.Random(SEED)
    hits = 0
    for number in range(fault("F32", 200, "kills of a delete", SEED)):
        hits += killed(lambda: store.remove(store.run("run1")), chance)
        in_trash = store.trash()
        assert len(store.names()) + len(in_trash) == 1, number
        if in_trash:
            store.restore("run1")
        assert store.run("run1").info.tags == ["old"]
        assert store.run("run1").metric("loss").steps == list(range(1, 200))
    assert hits


def test_a_killed_edit_leaves_the_old_words_or_the_new(store, fault):
    chance = random.Random(SEED)
    run = store.run("run1")
    hits = 0
    for number in range(fault("F32", 200, "kills of a tag edit", SEED)):
        before = run.info.tags
        added = f"tag{number % 7}"
        hits += killed(lambda added=added: edit_run(store, run, add=[added], remove=["old"]), chance)
        assert run.info.tags in (before, [*(tag for tag in before if tag != "old" and tag != added), added],
                                 [tag for tag in before if tag != "old"])  # fmt: skip
        assert run.info.note == "kept"
    assert hits
    edit_run(store, run, add=["last"])
    assert "last" in run.info.tags


def test_a_killed_rename_leaves_one_run_and_can_be_done_again(store, fault):
    chance = random.Random(SEED)
    hits = 0
    names = ["run1", "better"]
    for number in range(fault("F32", 200, "kills of a rename", SEED)):
        old, new = names
        hits += killed(lambda old=old, new=new: edit_run(store, store.run(old), name=new), chance)
        assert len(store.names()) == 1, number
        assert store.run(store.names()[0]).metric("loss").steps == list(range(1, 200))
        if store.names() == [old]:
            edit_run(store, store.run(old), name=new)
        assert store.names() == [new]
        assert store.run(new).info.note == "kept"
        names.reverse()
    assert hits


def test_a_killed_export_leaves_no_file_or_a_whole_one(store, fault, tmp_path):
    chance = random.Random(SEED)
    target = tmp_path / "metrics.csv"
    run = store.run("run1")
    export_metrics(run, str(target))
    whole = target.read_bytes()
    hits = 0
    for number in range(fault("F32", 200, "kills of an export", SEED)):
        if number % 2:
            target.unlink()
        hits += killed(lambda: export_metrics(run, str(target)), chance)
        assert not target.exists() or target.read_bytes() == whole, number
        export_metrics(run, str(target))
        assert target.read_bytes() == whole
    assert hits
