"""F2: a save that fails or dies at any of its system calls leaves one whole checkpoint, and never blocks the next."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from simclr_tui.paths import RunPaths
from simclr_tui.store.checkpoints import best_of, load, manifests, prune
from tests.faults.failing_os import FailingOs, die
from tests.run_factory import newest_valid
from tests.run_factory import save_checkpoint as saved

CALLS = 16  # open, write, fsync, close, replace and the folder's three, of checkpoint and manifest


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    return RunPaths(tmp_path)


def test_an_error_at_any_call_of_a_save_leaves_one_valid_checkpoint(paths, fault):
    saved(paths, 10, b"old")
    counting = FailingOs(0, errno.EIO)
    saved(paths, 20, b"new", system=counting)
    assert counting.calls == CALLS
    assert fault("F2", CALLS, "failing calls of a save (ENOSPC)", fewest=CALLS) == CALLS
    for n in range(1, CALLS + 1):
        for path in (paths.manifest(20), paths.checkpoint(20)):
            path.unlink(missing_ok=True)
        with pytest.raises(OSError):  # noqa: PT011 - whichever call it was
            saved(paths, 20, b"new", system=FailingOs(n, errno.ENOSPC))
        assert newest_valid(paths) in ((10, b"old"), (20, b"new"))
        assert not list(paths.checkpoints.glob(".*")), "a temporary file was left"
        saved(paths, 20, b"new")
        assert newest_valid(paths) == (20, b"new")


def test_death_at_any_call_of_a_save_leaves_one_valid_checkpoint(paths, fault):
    saved(paths, 10, b"old")
    assert fault("F2", CALLS, "deaths at each call of a save", fewest=CALLS) == CALLS
    for n in range(1, CALLS + 1):
        for path in (paths.manifest(20), paths.checkpoint(20)):
            path.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            try:
                saved(paths, 20, b"new", system=FailingOs(n, die))
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        assert newest_valid(paths) in ((10, b"old"), (20, b"new"))
        saved(paths, 20, b"new")
        prune(paths)
        assert newest_valid(paths) == (20, b"new")
        assert len(list(paths.checkpoints.iterdir())) == 4, "stale temporary files were left"


def test_saving_the_same_step_again_leaves_one_valid_checkpoint(paths):
    saved(paths, 5, b"before")
    saved(paths, 10, b"first")
    for n in range(1, CALLS + 1):
        with pytest.raises(OSError):  # noqa: PT011 - whichever call it was
            saved(paths, 10, b"second", system=FailingOs(n, errno.EIO))
        assert newest_valid(paths) in ((5, b"before"), (10, b"first"), (10, b"second"))
        saved(paths, 10, b"first")


def test_death_at_any_removal_of_a_prune_leaves_the_newest_two_and_can_be_done_again(paths, fault, monkeypatch):
    removals = 3 * 2 + 1
    assert fault("F2", removals, "deaths at each removal of a prune", fewest=removals) == removals
    unlink = Path.unlink
    for n in range(1, removals + 1):
        for step in range(1, 6):
            saved(paths, step)
        (paths.checkpoints / ".step-00000009.pt.1.tmp").touch()
        child = os.fork()
        if child == 0:
            left = n

            def dying(path, missing_ok=False):
                nonlocal left
                left -= 1
                if not left:
                    die()
                unlink(path, missing_ok=missing_ok)

            monkeypatch.setattr(Path, "unlink", dying)
            try:
                prune(paths)
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9, "every removal was reached"
        assert [manifest.step for manifest in manifests(paths)][:2] == [5, 4]
        assert newest_valid(paths)[0] == 5
        prune(paths)
        assert len(list(paths.checkpoints.iterdir())) == 4


def test_death_anywhere_in_a_better_save_leaves_the_old_best_or_the_new_whole(paths, fault, monkeypatch):
    removals = 2 * 2  # the old best, and the newest but two
    deaths = CALLS + removals
    assert fault("F2", deaths, "deaths while a better checkpoint replaces the best", fewest=deaths) == deaths
    unlink = Path.unlink
    for n in range(1, deaths + 1):
        for path in paths.checkpoints.iterdir():
            path.unlink()
        for step, knn in ((10, 0.5), (20, 0.3), (30, 0.4), (40, None)):
            saved(paths, step, b"%d" % step, knn=knn)
        prune(paths, best=best_of(manifests(paths)))
        child = os.fork()
        if child == 0:
            left = n - CALLS

            def dying(path, missing_ok=False):
                nonlocal left
                left -= 1
                if not left:
                    die()
                unlink(path, missing_ok=missing_ok)

            try:
                better = saved(paths, 50, b"50", knn=0.6, system=FailingOs(n, die))
                monkeypatch.setattr(Path, "unlink", dying)
                prune(paths, best=better)
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9, "every call and removal was reached"
        best = best_of(manifests(paths))
        assert best is not None
        assert (best.step, load(paths, best)) in ((10, b"10"), (50, b"50"))
        assert newest_valid(paths) in ((40, b"40"), (50, b"50"))
        prune(paths, best=best)
        assert [one.step for one in manifests(paths)] == ([40, 30, 10] if best.step == 10 else [50, 40])
        assert len(list(paths.checkpoints.iterdir())) == 2 * len(manifests(paths))
