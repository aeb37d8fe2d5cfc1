from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError
from simclr_tui.train.data import decoded_cache, open_data
from simclr_tui.train.data.images import Data, ImageSet


def quiet(what: str, done: int, total: int) -> None: ...


def opened(root: Path, folder: Path, subset: int = 0) -> Data:
    return open_data(f"folder:{root}", image_size=8, subset=subset, progress=quiet, cache=folder)


@pytest.fixture
def images(tmp_path):
    for i in range(20):
        file = tmp_path / "images" / "ab"[i % 2] / f"{i:02}.bmp"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (i, i, i)).save(file)
    return tmp_path / "images"


def garble(file: Path, stamp_too: bool = False) -> None:
    """Replace the content by noise of the same size; keep the modification time unless `stamp_too`."""
    before = file.stat()
    file.write_bytes(b"?" * before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + (10**9 if stamp_too else 0)))


def same(a: Data, b: Data) -> bool:
    def arrays(data: Data) -> list[np.ndarray]:
        return [data.train.images, data.train.labels, data.test.images, data.test.labels]

    return all(np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True)) and a.classes == b.classes


def entry(folder: Path) -> Path:
    return next(path for path in folder.iterdir() if path.is_dir())


def test_a_second_opening_decodes_nothing(images, tmp_path):
    first = opened(images, tmp_path / "cache")
    for file in images.rglob("*.bmp"):
        garble(file)
    again = opened(images, tmp_path / "cache")
    assert same(first, again)
    assert isinstance(again.train.images, np.memmap)
    stored = again.train.images.filename
    before = Path(stored).read_bytes()
    again.train.images[:] = 0
    again.train.images.flush()
    assert Path(stored).read_bytes() == before


def test_a_changed_image_is_decoded_again(images, tmp_path):
    opened(images, tmp_path / "cache")
    garble(images / "a" / "00.bmp", stamp_too=True)
    with pytest.raises(DataError, match=r"a/00\.bmp"):
        opened(images, tmp_path / "cache")


def test_an_added_image_is_seen(images, tmp_path):
    before = opened(images, tmp_path / "cache")
    shutil.copy(images / "a" / "00.bmp", images / "a" / "99.bmp")
    after = opened(images, tmp_path / "cache")
    assert len(after.train) + len(after.test) == len(before.train) + len(before.test) + 1


def test_another_subset_is_another_entry(images, tmp_path):
    assert len(opened(images, tmp_path / "cache").train) == 16
    assert len(opened(images, tmp_path / "cache", subset=6).train) == 6


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-5] ^= 16
    file.write_bytes(data)


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, Path.unlink, lambda file: file.write_bytes(b"")])
@pytest.mark.parametrize("name", ["train.npy", "test.npy", "train_labels.npy", "meta.json"])
def test_a_damaged_entry_is_rebuilt(images, tmp_path, name, damage):
    opened(images, tmp_path / "cache")
    first = opened(images, tmp_path / "in the way" / "of nothing")  # maps no file that is damaged next
    damage(entry(tmp_path / "cache") / name)
    assert same(opened(images, tmp_path / "cache"), first)
    for file in images.rglob("*.bmp"):
        garble(file)
    assert same(opened(images, tmp_path / "cache"), first)  # and was written again


def test_a_leftover_of_a_killed_build_is_in_nobodys_way(images, tmp_path):
    first = opened(images, tmp_path / "cache")
    whole = entry(tmp_path / "cache")
    (whole / "meta.json").unlink()
    whole.rename(whole.with_suffix(".tmp"))
    assert same(opened(images, tmp_path / "cache"), first)
    assert not list((tmp_path / "cache").glob("*.tmp"))


def test_a_cache_that_cannot_be_written_only_costs_time(images, tmp_path):
    (tmp_path / "file").write_text("in the way")
    first = opened(images, tmp_path / "cache")
    assert same(opened(images, tmp_path / "file"), first)
    assert same(opened(images, tmp_path / "file" / "below"), first)


def test_a_full_disk_only_costs_time(images, tmp_path, monkeypatch):
    monkeypatch.setattr(decoded_cache, "_KEEP_FREE", 1 << 62)
    data = opened(images, tmp_path / "cache")
    assert len(data.train) == 16
    assert not isinstance(data.train.images, np.memmap)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_a_failed_build_leaves_nothing(tmp_path):
    def build(allocate: decoded_cache.Allocate) -> Data:
        allocate("train", (4, 3, 2, 2), "uint8")
        raise DataError("no")

    with pytest.raises(DataError):
        decoded_cache.cached(tmp_path / "cache", "x", build)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["x.lock"]


def test_absent_labels_and_splits_stay_absent(tmp_path):
    def build(allocate: decoded_cache.Allocate) -> Data:
        out = allocate("train", (4, 3, 2, 2), "uint8")
        out[:] = 9
        return Data(ImageSet(out, None), None, (), ("odd\udcff\n.jpg",))

    for _ in range(2):
        data = decoded_cache.cached(tmp_path / "cache", "x", build)
        assert data.test is None
        assert data.train.labels is None
        assert data.damaged == ("odd\udcff\n.jpg",)
        assert np.all(data.train.images == 9)


def test_keys_differ_where_any_part_differs():
    keys = {
        decoded_cache.key(parts)
        for parts in (["a"], ["a", ""], ["", "a"], ["b"], ["a", "b"], ["ab"], [1, 2], [12], ["\udcff"])
    }
    assert len(keys) == 9


def _build_slowly(folder: str, log: str) -> None:
    def build(allocate: decoded_cache.Allocate) -> Data:
        with open(log, "a") as file:
            file.write("built\n")
        out = allocate("train", (2000, 3, 32, 32), "uint8")
        for i in range(len(out)):
            out[i] = i % 251
        return Data(ImageSet(out, None), None, ())

    data = decoded_cache.cached(Path(folder), "x", build)
    assert data.train.images[1999, 0, 0, 0] == 1999 % 251


def test_processes_build_an_entry_once(tmp_path):
    context = multiprocessing.get_context("fork")
    arguments = (str(tmp_path / "cache"), str(tmp_path / "log"))
    processes = [context.Process(target=_build_slowly, args=arguments) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert (tmp_path / "log").read_text() == "built\n"
