"""The real on-disk formats, written small; only torchvision's expected checksums are those of the small files."""

from __future__ import annotations

import functools
import hashlib
import http.server
import pickle
import tarfile
import threading
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest

from simclr_tui.errors import DataError
from simclr_tui.recipe.datasets import DOWNLOAD_HOST, KNOWN
from simclr_tui.train.data import open_data
from simclr_tui.train.data.torchvision_sets import torchvision

CIFAR10, CIFAR100, STL10 = (getattr(torchvision.datasets, name) for name in ("CIFAR10", "CIFAR100", "STL10"))
RNG = np.random.default_rng(0)


def quiet(what: str, done: int, total: int) -> None: ...


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMCLR_DATA", str(tmp_path / "root"))
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    return tmp_path / "root"


def opened(name: str, subset: int = 0, progress=quiet):
    return open_data(name, image_size=32, subset=subset, progress=progress)


def md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes()).hexdigest()


def accept(kind, folder: Path, monkeypatch) -> None:
    """Let torchvision expect the checksums of the files in `folder`."""
    for attribute in ("train_list", "test_list"):
        monkeypatch.setattr(kind, attribute, [[name, md5(folder / name)] for name, _ in getattr(kind, attribute)])
    if hasattr(kind, "meta"):
        monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": md5(folder / kind.meta["filename"])})


def write_cifar(kind, root: Path, label_key: str, per_file: int, classes: int):
    """Batches as published: rows of 3,072 bytes, channel by channel. Returns (images, labels) by file name."""
    folder = root / kind.base_folder
    folder.mkdir(parents=True)
    written = {}
    for name, _ in kind.train_list + kind.test_list:
        images = RNG.integers(0, 256, (per_file, 3, 32, 32), np.uint8)
        labels = [i % classes for i in range(per_file)]
        with open(folder / name, "wb") as file:
            pickle.dump({"data": images.reshape(per_file, -1), label_key: labels}, file, protocol=2)
        written[name] = images, labels
    with open(folder / kind.meta["filename"], "wb") as file:
        pickle.dump({kind.meta["key"]: [f"class {i}" for i in range(classes)]}, file, protocol=2)
    return written


@pytest.fixture
def cifar10(root, monkeypatch):
    written = write_cifar(CIFAR10, root, "labels", 20, 10)
    accept(CIFAR10, root / CIFAR10.base_folder, monkeypatch)
    return written


def test_what_is_declared_is_what_torchvision_reads():
    for name, kind in (("cifar10", CIFAR10), ("cifar100", CIFAR100), ("stl10", STL10)):
        files = {file for file, _ in kind.train_list + kind.test_list}
        files |= {kind.meta["filename"]} if hasattr(kind, "meta") else set()
        assert KNOWN[name].folder == kind.base_folder
        assert set(KNOWN[name].files) == files
    assert urlparse(CIFAR10.url).hostname == DOWNLOAD_HOST


def test_cifar10(cifar10):
    data = opened("cifar10")
    train = [cifar10[f"data_batch_{i}"] for i in range(1, 6)]
    assert np.array_equal(data.train.images, np.concatenate([images for images, _ in train]))
    assert data.train.labels.tolist() == [label for _, labels in train for label in labels]
    assert np.array_equal(data.test.images, cifar10["test_batch"][0])
    assert data.classes == tuple(f"class {i}" for i in range(10))
    assert data.train.labels.dtype == np.int64


def test_cifar10_in_a_subset(cifar10):
    data, whole = opened("cifar10", subset=30), opened("cifar10")
    assert np.bincount(data.train.labels).tolist() == [3] * 10
    assert len(data.test) == 20
    where = {image.tobytes(): label for image, label in zip(whole.train.images, whole.train.labels, strict=True)}
    assert [where[image.tobytes()] for image in data.train.images] == data.train.labels.tolist()


def test_cifar100_has_its_fine_labels(root, monkeypatch):
    written = write_cifar(CIFAR100, root, "fine_labels", 200, 100)
    accept(CIFAR100, root / CIFAR100.base_folder, monkeypatch)
    data = opened("cifar100")
    assert np.array_equal(data.train.images, written["train"][0])
    assert data.test.labels.tolist() == written["test"][1]
    assert len(data.classes) == 100


@pytest.fixture
def stl10(root, monkeypatch):
    """Images as published: column by column, labels from 1."""
    folder = root / STL10.base_folder
    folder.mkdir(parents=True)
    images = {}
    for split, count in (("train", 20), ("unlabeled", 50), ("test", 30)):
        images[split] = RNG.integers(0, 256, (count, 3, 96, 96), np.uint8)
        images[split].transpose(0, 1, 3, 2).tofile(folder / f"{split}_X.bin")
        if split != "unlabeled":
            (np.arange(count) % 10 + 1).astype(np.uint8).tofile(folder / f"{split}_y.bin")
    (folder / "class_names.txt").write_text("\n".join(f"class {i}" for i in range(10)))
    accept(STL10, folder, monkeypatch)
    return images


def test_stl10_trains_on_the_unlabelled_images_too(stl10):
    data = opened("stl10")
    assert np.array_equal(data.train.images, np.concatenate([stl10["train"], stl10["unlabeled"]]))
    assert data.train.labels.tolist() == [*range(10), *range(10)] + [-1] * 50
    assert np.array_equal(data.test.images, stl10["test"])
    assert data.test.labels.tolist() == [*range(10)] * 3
    assert data.classes == tuple(f"class {i}" for i in range(10))


def test_stl10_in_a_subset_draws_from_both_parts(stl10):
    data = opened("stl10", subset=22)
    assert np.bincount(data.train.labels + 1).tolist() == [2] * 11
    both = np.concatenate([stl10["train"], stl10["unlabeled"]])
    assert {image.tobytes() for image in data.train.images} < {image.tobytes() for image in both}


def test_a_second_opening_reads_the_cache(cifar10, monkeypatch):
    first = opened("cifar10")
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: pytest.fail("torchvision was asked again"))
    assert np.array_equal(opened("cifar10").train.images, first.train.images)


def test_offline_says_which_file_belongs_where(root):
    with pytest.raises(DataError) as caught:
        opened("cifar10")
    assert "SIMCLR_OFFLINE" in caught.value.message
    assert f"put {CIFAR10.filename} there" in caught.value.hint
    assert str(root) in caught.value.message
    assert "--data shapes" in caught.value.hint


def test_a_damaged_set_is_not_trained_on(cifar10, root):
    file = root / CIFAR10.base_folder / "data_batch_2"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(DataError, match="incomplete or damaged"):
        opened("cifar10")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def published(cifar10, root, tmp_path, monkeypatch):
    """The small CIFAR-10 as an archive on a local server, and no longer on disk."""
    site = tmp_path / "site"
    site.mkdir()
    archive = site / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(root / CIFAR10.base_folder, CIFAR10.base_folder)
    (root / CIFAR10.base_folder).rename(tmp_path / "away")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/{CIFAR10.filename}")
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive))
    monkeypatch.setenv("SIMCLR_OFFLINE", "0")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield archive
    server.shutdown()
    server.server_close()


def test_an_absent_set_is_downloaded_with_progress(published, cifar10, capfd):
    seen, bar = [], torchvision.datasets.utils.tqdm
    data = opened("cifar10", progress=lambda *now: seen.append(now))
    assert np.array_equal(data.test.images, cifar10["test_batch"][0])
    size = published.stat().st_size
    assert ("downloading CIFAR-10", size, size) in seen
    assert torchvision.datasets.utils.tqdm is bar
    assert "%|" not in capfd.readouterr().err  # no bar of torchvision's


def test_a_download_with_another_checksum_is_refused(published):
    published.write_bytes(published.read_bytes() + b"?")
    with pytest.raises(DataError, match="cannot be downloaded"):
        opened("cifar10")


def test_a_missing_download_is_a_data_error(published):
    published.unlink()
    with pytest.raises(DataError, match="cannot be downloaded"):
        opened("cifar10")


def test_an_archive_put_there_by_hand_needs_no_network(published, root, monkeypatch):
    published.rename(root / CIFAR10.filename)
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    assert len(opened("cifar10").train) == 100
