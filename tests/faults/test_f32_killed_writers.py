"""F32: what a killed writer or a killed launch left is taken away by the next, and keeps no name."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest

from simclr_tui.atomic import write_file
from simclr_tui.errors import StoreError
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.start import create
from simclr_tui.store.store import Store
from tests.faults.failing_os import FailingOs, die
from tests.faults.test_f32_killed_acts import killed
from tests.training import tiny_plan, until

SEED = 323
MINE = Metadata(name="mine")


def dying(act) -> int:
    """Do it in a forked child; its pid, gone by now."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    return child


def test_what_killed_writers_left_goes_with_the_next_writing(tmp_path, fault):
    target = tmp_path / "run.json"
    for number in range(fault("F32", 50, "writers killed before their file was in place")):
        dying(lambda: write_file(target, b"new", system=FailingOs(2, die)))
        assert len(list(tmp_path.glob(".run.json.*.tmp"))) == 1
        write_file(target, str(number).encode())
        assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert target.read_bytes() == str(number).encode()


def test_the_temporary_file_of_a_living_writer_or_of_another_machine_stays(tmp_path):
    dead = dying(lambda: None)
    reading, writing = os.pipe()
    alive = os.fork()
    if alive == 0:
        write_file(tmp_path / "a", b"1", system=FailingOs(2, lambda: os.read(reading, 1) and os._exit(0)))
    kept = {f".a.{dead}@00000000.tmp", f".a.{dead}.tmp", f".ab.{dead}.tmp", f".a.{dead}.tmp~"}
    for name in kept:
        (tmp_path / name).touch()
    try:
        busy = until(lambda: [path.name for path in tmp_path.glob(f".a.{alive}@*.tmp")])
        write_file(tmp_path / "a", b"2")
        assert {path.name for path in tmp_path.iterdir()} == kept | {"a", *busy}
    finally:
        os.write(writing, b"!")
        os.waitpid(alive, 0)


def test_a_launch_killed_at_any_moment_does_not_keep_its_name(tmp_path, fault):
    chance = random.Random(SEED)
    plan = tiny_plan()
    abandoned = 0
    for number in range(fault("F32", 200, "kills of a launch under a name", SEED)):
        store = Store(tmp_path / str(number))
        killed(lambda store=store: create(store, plan, MINE), chance)
        if store.names() == []:
            abandoned += (store.root / "mine").exists()
            run = create(store, plan, Metadata(name="mine", note="second"))
            assert run.info.note == "second"
        assert store.names() == ["mine"]
        assert store.run("mine").recipe == plan.resolved.recipe
        with pytest.raises(StoreError, match="mine already exists"):
            create(store, plan, MINE)
    print(abandoned)
    assert abandoned


def test_one_of_those_who_take_an_abandoned_name_gets_it(tmp_path):
    code = (
        "import sys; from pathlib import Path; from simclr_tui.launch.start import create;"
        "from simclr_tui.store.store import Store; from tests.training import tiny_plan, until;"
        "from simclr_tui.errors import StoreError; from simclr_tui.launch.metadata import Metadata\n"
        "plan = tiny_plan(); input()\n"
        "try: print(create(Store(Path(sys.argv[1])), plan, Metadata(name='mine')).info.id)\n"
        "except StoreError as error: print(error)"
    )
    (tmp_path / "mine" / "checkpoints").mkdir(parents=True)
    words = [sys.executable, "-c", code, str(tmp_path)]
    racers = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(4)
    ]
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    won = [answer for answer in answers if "already exists" not in answer]
    assert won == [Store(tmp_path).run("mine").info.id]


@pytest.mark.parametrize("theirs", ["notes.txt", "checkpoints/step-00000001.pt", "data/a.png"])
def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path, theirs):
    path = tmp_path / "mine" / theirs
    path.parent.mkdir(parents=True)
    path.write_text("kept")
    with pytest.raises(StoreError, match="mine already exists"):
        create(Store(tmp_path), tiny_plan(), MINE)
    assert path.read_text() == "kept"


def test_a_link_is_not_taken_for_an_abandoned_folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    store = Store(tmp_path / "runs")
    store.root.mkdir()
    (store.root / "mine").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="mine already exists"):
        create(store, tiny_plan(), MINE)
    assert list((tmp_path / "elsewhere").iterdir()) == []
