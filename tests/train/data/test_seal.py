"""A large cache entry is compared with its seal while it is used; class names are sealed too."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from simclr_tui.errors import DataError
from simclr_tui.recipe.decoded import decoded_entries, free, make_room
from simclr_tui.train.data import decoded_cache, seal
from simclr_tui.train.data.batches import Source
from simclr_tui.train.data.images import Data, ImageSet


def build(allocate: decoded_cache.Allocate) -> Data:
    out = allocate("train", (8, 1, 4, 4), "uint16")
    out[:] = np.arange(8 * 16).reshape(8, 1, 4, 4)
    return Data(ImageSet(out, np.zeros(8, np.int64)), None, ("only",))


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    decoded_cache.cached(tmp_path, "x", build, about="folder:/images")
    return tmp_path / "x"


def test_a_flipped_byte_of_a_large_file_is_found_beside_the_training(entry, monkeypatch):
    monkeypatch.setattr(seal, "AT_ONCE", 100)
    good = decoded_cache.load(entry.parent, "x")
    assert good is not None
    assert good.check is not None
    good.check.wait()
    good.check.raise_if_failed()
    pixels = bytearray((entry / "train.npy").read_bytes())
    pixels[-3] ^= 1
    (entry / "train.npy").write_bytes(pixels)
    bad = decoded_cache.load(entry.parent, "x")
    assert bad is not None
    assert bad.check is not None
    bad.check.wait()
    source = Source(bad.train.images, torch.device("cpu"), bad.check)
    with pytest.raises(DataError, match=r"are not what was written there \(train\.npy\) — they are removed"):
        source.damaged()
    assert not entry.exists()


def test_class_names_are_sealed(entry):
    meta = json.loads((entry / "meta.json").read_text())
    meta["classes"] = ["another"]
    (entry / "meta.json").write_text(json.dumps(meta))
    assert decoded_cache.load(entry.parent, "x") is None
    assert decoded_cache.cached(entry.parent, "x", build).classes == ("only",)


def test_entries_are_listed_and_freed(entry):
    (found,) = decoded_entries(entry.parent)
    assert (found.data, found.path) == ("folder:/images", entry)
    assert found.bytes >= 8 * 16 * 2
    assert found.idle_days < 1
    free(found)
    assert decoded_entries(entry.parent) == []


def test_the_longest_unused_goes_first_beyond_the_limit(tmp_path, monkeypatch):
    for number, name in enumerate(("old", "older", "fresh")):
        decoded_cache.cached(tmp_path, name, build, about=name)
        if name != "fresh":
            age = 86_400 * (5 + number)
            now = (tmp_path / name / "meta.json").stat().st_mtime
            os.utime(tmp_path / name / "meta.json", (now - age, now - age))
    each = decoded_entries(tmp_path)[0].bytes
    monkeypatch.setenv("SIMCLR_CACHE_GB", str(each * 3.5 / 1e9))
    make_room(tmp_path, each, 0)
    assert [entry.data for entry in decoded_entries(tmp_path)] == ["old", "fresh"]
    monkeypatch.setenv("SIMCLR_CACHE_GB", "0")
    make_room(tmp_path, each, 0)
    assert [entry.data for entry in decoded_entries(tmp_path)] == ["fresh"]  # used today


def two_splits(allocate: decoded_cache.Allocate) -> Data:
    """A megabyte for each."""
    sets = []
    for split in ("train", "test"):
        out = allocate(split, (256, 1, 64, 64), "uint8")
        out[:] = 7
        sets.append(ImageSet(out, np.zeros(256, np.int64)))
    return Data(sets[0], sets[1], ("only",))


def unused_for_days(folder: Path, days: float) -> None:
    then = (folder / "meta.json").stat().st_mtime - 86_400 * days
    os.utime(folder / "meta.json", (then, then))


@pytest.mark.parametrize(("entries", "left"), [(1.75, ["new"]), (2.1, ["new", "old"]), (0, ["new"])])
def test_a_build_frees_what_all_of_its_arrays_together_need(tmp_path, monkeypatch, entries, left):
    """Beside the old entry there is room for the array of one split, or of both, or none."""
    decoded_cache.cached(tmp_path, "old", two_splits, about="old")
    unused_for_days(tmp_path / "old", 5)
    monkeypatch.setenv("SIMCLR_CACHE_GB", str(decoded_entries(tmp_path)[0].bytes * entries / 1e9))
    decoded_cache.cached(tmp_path, "new", two_splits, about="new")
    assert sorted(entry.data for entry in decoded_entries(tmp_path)) == left
