"""F41: a run that cannot be started is failed once; an installation or a disk that fails holds the queue, not runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simclr_tui.launch.queue.queue import dispatches, enqueue, ensure_dispatcher, unpause, why_paused
from simclr_tui.launch.queue.users import queue_paths
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import tickets
from tests.launch.ended import end_queue
from tests.training import tiny_plan, until

ONE = {"epochs": 1, "knn_every": 0}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    yield store
    end_queue(store)


def test_a_recipe_that_cannot_be_read_is_failed_once_and_holds_up_nobody(store, fault):
    fault("F41", 1, "queued run whose recipe was damaged")
    bad, good = enqueue(store, tiny_plan(**ONE)), enqueue(store, tiny_plan(**ONE))
    bad.paths.recipe.write_text("temperature = [")
    ensure_dispatcher(store)
    until(lambda: good.state == "finished" and not dispatches(store), what="the queue to be done")
    assert bad.state == "failed"
    assert "recipe.toml" in bad.status.reason
    assert [event.event for event in bad.events] == ["queued", "failed"]
    assert tickets(store) == {}
    assert len(queue_paths(store).log.read_text().splitlines()) < 10


def test_an_installation_that_is_gone_pauses_the_queue_and_fails_nobody(store, fault):
    fault("F41", 1, "installation deleted with runs queued")
    runs = [enqueue(store, tiny_plan(**ONE)) for _ in range(3)]
    # The dispatcher that lives on with the modules it has loaded, and finds no Python to start.
    code = "import sys; from simclr_tui.launch.queue.dispatcher import main; sys.executable = '/gone/bin/python'; "
    code += "sys.exit(main(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, store.root], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "no run can be started from this installation: No such file or directory" in why_paused(store)
    assert [run.state for run in runs] == ["queued"] * 3
    assert list(tickets(store)) == [run.name for run in runs]
    unpause(store)
    ensure_dispatcher(store)
    until(lambda: all(run.state == "finished" for run in runs), what="all to train after all")


def test_the_folder_that_a_command_was_typed_in_may_be_deleted(store, tmp_path, fault):
    fault("F41", 1, "launch folder deleted with runs queued")
    run = enqueue(store, tiny_plan(epochs=100_000, knn_every=0))
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import sys; from pathlib import Path; from simclr_tui.launch.queue.queue import ensure_dispatcher as e; "
    code += "from simclr_tui.store.store import Store; e(Store(Path(sys.argv[1])))"
    subprocess.run([sys.executable, "-c", code, store.root], cwd=gone, check=True, timeout=60)
    gone.rmdir()
    until(lambda: run.status.process is not None and run.status.supervisor is not None, what="it to train")
    for process in (run.status.process, run.status.supervisor):
        assert Path(f"/proc/{process.pid}/cwd").readlink() == store.root


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED WITH A FULL DISK: only root may mount one")
def test_a_full_disk_holds_the_queue_until_there_is_room(tmp_path, fault):
    fault("F41", 1, "disk filled to the last byte while runs wait")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700m", "tmpfs", disk], check=True)
    try:
        store = Store(disk / "runs")
        run = enqueue(store, tiny_plan(**ONE))
        queue_paths(store).root.mkdir(exist_ok=True)
        filling = subprocess.run(["dd", "if=/dev/zero", f"of={disk / 'full'}", "bs=64k"], capture_output=True)
        assert b"No space left" in filling.stderr
        dispatcher = subprocess.Popen(
            [sys.executable, "-m", "simclr_tui.launch.queue.dispatcher", store.root],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert dispatcher.stdout is not None
        assert "the queue is held up: " in dispatcher.stdout.readline()
        assert run.state == "queued"
        (disk / "full").unlink()
        until(lambda: run.state == "finished" or why_paused(store), what="the queue to go on or to say why not")
        unpause(store)
        ensure_dispatcher(store)
        until(lambda: run.state == "finished", what="the run to train")
        until(lambda: not dispatches(store), what="the dispatcher to leave")
        dispatcher.wait(60)
    finally:
        subprocess.run(["umount", "-l", disk], check=False)
