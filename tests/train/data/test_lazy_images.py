"""A folder too large for memory is decoded as it is asked for, to the pixels that it would have had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
from PIL import Image

from simclr_tui.errors import DataError, SimclrError
from simclr_tui.train.data import open_data
from simclr_tui.train.data.decode_pool import Decoders
from simclr_tui.train.data.images import taken
from simclr_tui.train.data.lazy_images import DamagedImages, FileImages
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.sources.files import FolderSource
from tests.training import until


def quiet(what: str, done: int, total: int) -> None: ...


def noise(seed: int, height: int, width: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height))


@pytest.fixture
def folder(tmp_path):
    """Two classes of images of several sizes and formats."""
    for i in range(30):
        file = tmp_path / "images" / "ab"[i % 2] / f"{i:02}.{('jpg', 'png', 'webp')[i % 3]}"
        file.parent.mkdir(parents=True, exist_ok=True)
        noise(i, 40 + 8 * (i % 3), 40 + 4 * (i % 5)).save(file)
    return tmp_path / "images"


@pytest.fixture
def decoders():
    made: list[Decoders] = []

    def make(root, side, count=2):
        made.append(Decoders(FolderSource(root), Scaling(side), count))
        return made[-1]

    yield make
    for each in made:
        each.close()


def opened(folder, tmp_path, name, **options):
    return open_data(
        f"folder:{folder}", image_size=32, progress=quiet, cache=tmp_path / name, **{"subset": 0} | options
    )


def damage(file):
    """Its header is whole and its pixels are not there."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 3 // 4])
    with Image.open(file) as image:
        assert image.size


@pytest.mark.parametrize("subset", [0, 7])
def test_pixels_labels_and_classes_are_those_of_the_decoded_folder(folder, tmp_path, monkeypatch, subset):
    decoded = opened(folder, tmp_path, "decoded", subset=subset)
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    files = opened(folder, tmp_path, "files", subset=subset)
    assert files.classes == decoded.classes
    for mine, whole in ((files.train, decoded.train), (files.test, decoded.test)):
        assert isinstance(mine.images, FileImages)
        assert isinstance(whole.images, np.ndarray)
        assert np.array_equal(mine.labels, whole.labels)
        assert (mine.images.shape, mine.images.nbytes) == (whole.images.shape, whole.images.nbytes)
        shuffled = np.random.default_rng(0).permutation(len(whole))
        for index in (0, len(whole) - 1, slice(1, None), slice(0, 0), shuffled):
            assert np.array_equal(mine.images[index], whole.images[index])
        assert np.array_equal(taken(mine.images, shuffled[:3])[1:], taken(whole.images, shuffled[:3])[1:])
    assert not list((tmp_path / "files").glob("*/train.npy")), "nothing is decoded to the disk"
    files.train.images.decoders.close()


@pytest.mark.parametrize("fits", [True, False])
def test_what_fits_into_memory_counts_every_channel_and_both_bytes_of_16_bits(tmp_path, monkeypatch, fits):
    count, channels, side = 10, 13, 20
    for number in range(count):
        file = tmp_path / "bands" / "ab"[number % 2] / f"{number}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.random.default_rng(number).integers(0, 10_000, (side, side, channels)).astype(np.uint16))
    bytes_of_all = count * channels * side**2 * 2
    monkeypatch.setenv("SIMCLR_DECODED", str((bytes_of_all + (1 if fits else -1)) / 1e9))
    data = opened(tmp_path / "bands", tmp_path, "cache")
    assert (data.channels, data.levels, data.train.images.shape[-1]) == (channels, 65535, side)
    assert len(data.train) + len(data.test) == count
    assert isinstance(data.train.images, np.memmap if fits else FileImages)
    if not fits:
        data.train.images.decoders.close()


def test_headers_are_read_once(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    said: list[str] = []
    for _ in range(2):
        open_data(
            f"folder:{folder}",
            image_size=32,
            subset=0,
            progress=lambda what, *_: said.append(what),
            cache=tmp_path / "cache",
        )
    assert said == ["reading image sizes", "looking into images"]


def test_what_fits_or_was_decoded_before_is_not_decoded_again_and_again(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMCLR_DECODED", "0.001")
    assert isinstance(opened(folder, tmp_path, "cache").train.images, np.memmap)
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    assert isinstance(opened(folder, tmp_path, "cache").train.images, np.memmap)


def test_a_damaged_image_ends_it_with_one_sentence_and_its_path(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    damage(folder / "a" / "06.jpg")
    data = opened(folder, tmp_path, "cache")
    with pytest.raises(DataError, match=r"1 of 30 images is damaged \(a/06.jpg\) — delete or replace them"):
        [part.images[:] for part in (data.train, data.test)]


def test_a_file_without_a_header_is_refused_when_opened(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    (folder / "b" / "01.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"b/01\.png"):
        opened(folder, tmp_path, "cache")


def test_among_thousands_a_damaged_image_is_replaced_by_its_neighbour_and_named_once(tmp_path, decoders):
    names = tuple(f"{i}.jpg" for i in range(6))
    for i, name in enumerate(names):
        noise(i, 32, 32).save(tmp_path / name, quality=90)
    whole = FileImages.of(names, decoders(tmp_path, 16), DamagedImages(5000))[:]
    for name in (names[0], names[3], names[4]):
        damage(tmp_path / name)
    images = FileImages.of(names, decoders(tmp_path, 16), DamagedImages(5000))
    for _ in range(2):
        assert np.array_equal(images[:], whole[[1, 1, 2, 2, 2, 5]])
        assert np.array_equal(images.take(np.array([4, 0]))[:], whole[[2, 1]])
    assert sorted(images.damages.newly_found()) == [names[0], names[3], names[4]]
    assert images.damages.newly_found() == []


def test_a_killed_decoder_is_a_sentence(tmp_path, decoders):
    noise(0, 32, 32).save(tmp_path / "0.jpg")
    before = psutil.Process().children()
    mine = decoders(tmp_path, 16, 1)
    out = np.empty((1, 3, 16, 16), np.uint8)
    assert mine.decode(["0.jpg"], out) == []
    (process,) = set(psutil.Process().children()) - set(before)
    process.kill()
    until(lambda: process.status() == psutil.STATUS_ZOMBIE)
    with pytest.raises(SimclrError, match="decodes images ended with code -9"):
        mine.decode(["0.jpg"], out)


def test_decoders_end_with_a_process_that_is_killed(tmp_path):
    noise(0, 32, 32).save(tmp_path / "0.jpg")
    code = (
        "import sys, time, numpy\nfrom pathlib import Path\n"
        "from simclr_tui.train.data.decode_pool import Decoders\n"
        "from simclr_tui.train.data.scaling import Scaling\n"
        "from simclr_tui.train.data.sources.files import FolderSource\n"
        "d = Decoders(FolderSource(Path(sys.argv[1])), Scaling(16), 2)\n"
        "d.decode(['0.jpg'] * 64, numpy.empty((64, 3, 16, 16), numpy.uint8))\n"
        "print('decoded', flush=True)\ntime.sleep(100)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"decoded\n"
    children = psutil.Process(parent.pid).children()
    assert 1 <= len(children) <= 2
    children[0].send_signal(signal.SIGTERM)  # a stop is not theirs to follow
    assert children[0].is_running()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until(lambda: not any(child.is_running() for child in children), what="the decoders to end")
