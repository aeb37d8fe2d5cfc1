"""F32: a launch without a name that is killed at any system call leaves a run, or nothing that stays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from simclr_tui.launch.start import create
from simclr_tui.store.store import Store
from tests.faults.failing_os import die
from tests.training import tiny_plan

# What Python tells an audit hook of before it asks the kernel; writes and syncs lie between two of these.
TOLD = ("os.", "open", "fcntl.", "shutil.", "subprocess.", "socket.")


def calls_until(act, death: int | None) -> int:
    """Do it in a forked child that ends, as `kill -9` would end it, before its call number `death`. How many calls it
    has made, where it came to its end; zero where it did not."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        made = 0

        def count(event, _arguments):
            nonlocal made
            if event.startswith(TOLD):
                made += 1
                if made == death:
                    die()

        sys.addaudithook(count)
        try:
            act()
            os.write(writing, made.to_bytes(4, "little"))
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    told = int.from_bytes(os.read(reading, 4), "little")
    os.close(reading)
    return told


def calls_of_a_launch(root, plan) -> int:
    create(Store(root), plan)  # what is asked once a process is asked
    return calls_until(lambda: create(Store(root), plan), None)


def folders(store):
    return {path.name for path in store.root.iterdir() if path.is_dir()}


def test_a_launch_killed_at_any_call_leaves_a_run_or_nothing_that_stays(tmp_path, fault):
    plan = tiny_plan()
    calls = calls_of_a_launch(tmp_path / "whole", plan)
    assert calls > 20
    times = fault("F32", calls, "deaths of a launch without a name, at each call it makes", few=calls)
    left, runs = 0, 0
    for number in range(1, times + 1):
        store = Store(tmp_path / str(number))
        assert calls_until(lambda store=store: create(store, plan), number) == 0
        if store.root.exists():
            left += bool(folders(store) - set(store.names()))
            runs += len(store.names())
            store.clear_abandoned()
            assert folders(store) == set(store.names()), number
        again = create(store, plan)
        assert set(store.names()) == folders(store) == {again.name} | ({"run1"} if again.name != "run1" else set())
        assert all(store.run(name).recipe == plan.resolved.recipe for name in store.names())
    assert left > 5
    assert runs > 1


def test_a_clearing_killed_at_any_call_is_done_by_the_next(tmp_path):
    plan = tiny_plan()
    calls = calls_of_a_launch(tmp_path / "whole", plan)
    for death in range(1, calls + 1):
        store = Store(tmp_path / str(death))
        calls_until(lambda store=store: create(store, plan), calls // 2)
        assert folders(store) == {"run1"}
        assert store.names() == []
        done = calls_until(store.clear_abandoned, death)
        store.clear_abandoned()
        assert folders(store) == set()
        if done:
            return
    pytest.fail("the clearing never came to its end")


def test_the_next_launch_and_reindex_clear_what_was_left(tmp_path):
    for name in ("run1", "run7", "run8"):
        (tmp_path / name).mkdir()
    (tmp_path / "run7" / "claim.lock").touch()
    (tmp_path / "run7" / "checkpoints").mkdir()
    (tmp_path / "run8" / "mine.txt").write_text("kept")
    (tmp_path / "data").mkdir()
    assert create(Store(tmp_path), tiny_plan()).name == "run9", "run8 is someone's"
    assert folders(Store(tmp_path)) == {"run8", "run9", "data"}
    (tmp_path / "run10").mkdir()
    command = [sys.executable, "-m", "simclr_tui.cli.main", "reindex", "--runs", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "Removed 1 folder of killed launches" in said
    assert folders(Store(tmp_path)) == {"run8", "run9", "data"}


def test_a_launch_that_lives_is_left_alone(tmp_path):
    """Another process clears while this one has claimed a name and filled nothing yet."""
    code = "import sys; from pathlib import Path; from simclr_tui.store.store import Store\n"
    code += "print(Store(Path(sys.argv[1])).clear_abandoned())"
    with Store(tmp_path).claiming() as run:
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
        assert done.stdout == "0\n"
        assert run.path.is_dir()


def test_many_launches_at_once_do_not_clear_each_other(tmp_path):
    code = "import sys; from pathlib import Path; from simclr_tui.launch.start import create\n"
    code += "from simclr_tui.store.store import Store; from tests.training import tiny_plan\n"
    code += "plan = tiny_plan(); input()\n"
    code += "for _ in range(20): print(create(Store(Path(sys.argv[1])), plan).name)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], **pipes) for _ in range(3)]
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    names = [name for racer in racers for name in racer.communicate(timeout=120)[0].split()]
    assert len(names) == len(set(names)) == 60
    assert set(names) == set(Store(tmp_path).names())
