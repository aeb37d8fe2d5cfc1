"""F22: a hostile name is refused or kept as text; nothing outside the store is touched, and no link is followed."""

from __future__ import annotations

import random

import pytest

from simclr_tui.errors import SimclrError, StoreError
from simclr_tui.store.labels import edit_run
from simclr_tui.store.store import Store
from tests.run_factory import make_run

SEED = 22

PARTS = [
    "..",
    "/",
    "a",
    "run",
    "\0",
    "\n",
    "-rf",
    "$(x)",
    "~",
    ".",
    "é",
    "語",
    "🙂",
    " ",
    "7",
    ".db",
    "=",
    "\x1b[2J",
    "\udcff",
]


def hostile_names(count: int) -> list[str]:
    chance = random.Random(SEED)
    made = [
        "".join(chance.choices(PARTS, k=chance.randint(1, 8))) * chance.choice([1, 1, 1, 40]) for _ in range(count // 2)
    ]
    return made + [
        "".join(
            chr(chance.choice([chance.randrange(128), chance.randrange(0x110000)]))
            for _ in range(chance.randint(1, 12))
        )
        for _ in range(count // 2)
    ]


def test_generated_names_touch_nothing_outside_the_store(tmp_path, fault):
    store = Store(tmp_path / "deep" / "runs")
    kept = 0
    for name in hostile_names(fault("F22", 5000, "generated names", SEED)):
        try:
            run = store.claim(name)
        except StoreError:
            continue
        kept += 1
        assert run.path.parent == store.root
        assert run.path.is_dir()
        assert run.path.resolve().parent == store.root.resolve()
        run.path.rmdir()
    assert kept > 5, "names that are fine were generated too"
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert list(store.root.iterdir()) == []
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["runs"]


def test_no_generated_word_finds_restores_or_renames_anything_outside(tmp_path, fault):
    store = Store(tmp_path / "deep" / "runs")
    make_run(store.root, "mine")
    outside = make_run(tmp_path / "other", "run1")
    (store.root / "linked").symlink_to(outside.path)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    sentences = []
    for word in hostile_names(fault("F22", 2000, "generated words to find, restore and rename by", SEED)):
        for act in (store.find, store.restore):
            try:
                found = act(word)
            except SimclrError as error:
                sentences.append(error.message)
            else:
                assert found.path.parent == store.root
        try:
            renamed = edit_run(store, store.run("mine"), name=word)
        except SimclrError:
            continue
        assert renamed.path.parent == store.root
        edit_run(store, renamed, name="mine")
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    assert sentences
    assert all(sentence.isprintable() for sentence in sentences)


def test_a_link_in_the_store_is_never_removed_through(tmp_path):
    outside = make_run(tmp_path / "other", "run1")
    store = Store(tmp_path / "runs")
    make_run(store.root, "mine")
    (store.root / "linked").symlink_to(outside.path)
    with pytest.raises(StoreError, match="is not a folder of"):
        store.remove(store.run("linked"))
    assert outside.state == "finished"
