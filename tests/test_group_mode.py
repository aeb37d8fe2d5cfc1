"""A store shared by a group: what one member makes, with the usual umask, the others can write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from simclr_tui.atomic import LineWriter, Lock, write_file
from simclr_tui.doctor import check_store
from simclr_tui.group_mode import make_folder
from simclr_tui.launch.queue.queue import enqueue, pause, unpause, waiting_runs
from simclr_tui.launch.start import create
from simclr_tui.regular_file import append_regular
from simclr_tui.store.labels import edit_run
from simclr_tui.store.store import Store
from tests.training import tiny_plan
from tests.users import ALICE, BOB, as_user


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def make_all(root: Path) -> list[Path]:
    make_folder(root / "one" / "two", parents=True)
    write_file(root / "written", b"")
    LineWriter(root / "lines").close()
    append_regular(root / "log").close()
    lock = Lock(root / "lock")
    assert lock.acquire()
    lock.release()
    return [root / name for name in ("written", "lines", "log", "lock")]


@pytest.mark.usefixtures("usual_umask")
def test_what_is_made_in_a_groups_folder_is_the_groups(tmp_path):
    tmp_path.chmod(0o2770)
    assert {mode(path) for path in make_all(tmp_path)} == {0o664}
    assert [mode(tmp_path / "one"), mode(tmp_path / "one" / "two")] == [0o2775, 0o2775]


@pytest.mark.usefixtures("usual_umask")
def test_elsewhere_the_umask_decides(tmp_path):
    tmp_path.chmod(0o700)
    assert {mode(path) for path in make_all(tmp_path)} == {0o644}
    assert mode(tmp_path / "one") == 0o755


@pytest.mark.usefixtures("usual_umask")
def test_what_is_private_stays_private_in_a_groups_folder(tmp_path):
    tmp_path.chmod(0o2770)
    write_file(tmp_path / "secret", b"", private=True)
    assert mode(tmp_path / "secret") == 0o600


def test_each_member_launches_queues_and_edits_what_the_other_made(group_folder, fault):
    fault("F49", 1, "stores in which two users launch, queue and edit in turns")
    store, plan = Store(group_folder / "runs"), tiny_plan()

    def launch():
        create(store, plan)
        enqueue(store, plan)
        pause(store)

    def look_after():
        for name in store.names():
            edit_run(store, store.run(name), note=f"seen by {os.getuid()}")
        assert len(waiting_runs(store)) == len(store.names()) // 2
        unpause(store)

    for user in (ALICE, BOB, ALICE):
        assert as_user(user, launch) == ""
        assert as_user(ALICE + BOB - user, look_after) == ""
    assert len(store.names()) == 6


def test_a_store_that_was_made_for_one_is_named_by_doctor_with_what_to_type(group_folder):
    store = Store(group_folder)
    assert as_user(ALICE, lambda: create(store, tiny_plan())) == ""
    (group_folder / ".claim.lock").chmod(0o644)
    assert "cannot write to the run store" in as_user(BOB, lambda: create(store, tiny_plan()))

    def asked():
        raise RuntimeError(str(check_store(group_folder)))

    said = as_user(BOB, asked)
    assert "bad" in said
    assert f"chmod -R g+rwX {group_folder}" in said
