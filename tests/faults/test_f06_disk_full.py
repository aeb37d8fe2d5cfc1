"""F6: a full disk costs no metric line once there is room again, and no checkpoint that was there before."""

from __future__ import annotations

import errno
import random
import resource

from simclr_tui.errors import ExitCode
from simclr_tui.paths import RunPaths
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.writer import MetricWriter
from tests.faults.failing_os import FailingOs, SmallDisk
from tests.training import tiny_run, train_in_process

SEED = 6
LINES = 120


def written(paths: RunPaths, system, between=lambda step: None) -> MetricWriter:
    """Metric lines 1 … LINES of one attempt, on that disk."""
    paths.attempt(1).root.mkdir()
    writer = MetricWriter(paths.attempt(1), system=system)
    for step in range(1, LINES + 1):
        writer.write(step, step / 10, step / 100, values={"loss": step / 3})
        between(step)
    return writer


def all_there(paths: RunPaths) -> History:
    history = History(paths)
    history.poll()
    assert list(history.step) == list(range(1, LINES + 1))
    assert history.points("loss").values == [step / 3 for step in range(1, LINES + 1)]
    return history


def test_no_write_that_fails_for_a_while_costs_a_line(tmp_path, fault):
    tries = fault("F6", LINES, "metric writes that fail for up to 40 calls", fewest=LINES // 4)
    for index in range(tries):
        n = 2 + index * LINES // tries
        paths = RunPaths(tmp_path / str(n))
        paths.root.mkdir()
        writer = written(paths, FailingOs(n, errno.ENOSPC, times=min(1 + index % 40, LINES + 1 - n)))
        assert writer.waiting <= 40
        writer.close()
        assert all_there(paths).damaged == 0


def test_lines_torn_by_a_full_disk_are_written_again_whole(tmp_path, fault):
    chance = random.Random(SEED)
    for number in range(fault("F6", 500, "disks that fill up in the middle of lines", SEED)):
        paths = RunPaths(tmp_path / str(number))
        paths.root.mkdir()
        disk = SmallDisk(room=chance.randrange(2000), longest=chance.choice([7, 50, 1 << 30]))

        def free_some(step, disk=disk):
            if step % 10 == 0:
                disk.room += chance.randrange(600)

        writer = written(paths, disk, free_some)
        disk.room, disk._longest = 10**9, 1 << 30
        writer.close()
        assert writer.waiting == 0
        all_there(paths)


def test_a_run_whose_checkpoints_cannot_be_written_fails_after_the_third_with_the_reason(tmp_path, fault):
    fault("F6", 1, "training run whose checkpoints do not fit")
    run = tiny_run(tmp_path, epochs=6, knn_every=0)

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    done = train_in_process(run, preexec_fn=small_files)
    assert done.returncode == ExitCode.STORE
    assert run.state == "failed"
    assert "File too large" in run.status.reason
    refused = [event for event in run.events if event.event == "warning" and "not saved" in event.message]
    assert len(refused) == 3
    assert run.metric("loss").steps == list(range(1, 19)), "it trained on while there was hope"
    assert list(run.paths.checkpoints.iterdir()) == [], "no half of a file is left"
