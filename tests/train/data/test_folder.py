from __future__ import annotations

import errno
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError
from simclr_tui.recipe.datasets import count_images
from simclr_tui.recipe.folders import folder_layout
from simclr_tui.recipe.hold_out import held_out
from simclr_tui.train.data import Data, open_data, open_images
from simclr_tui.train.data.facts import fingerprint
from simclr_tui.train.data.open_images import side_cap
from simclr_tui.train.data.splits import chosen
from simclr_tui.train.data.validation import bank_and_validation


def quiet(what: str, done: int, total: int) -> None: ...


def save(file: Path, value: int, size: tuple[int, int] = (12, 12), **options) -> None:
    """An image all of one grey value, so that a decoded image tells which file it came from."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value,) * 3).save(file, **options)


def value_of(image: np.ndarray) -> int:
    return round(float(image.mean()))


def opened(root: Path, cache: Path, size: int = 12, subset: int = 0, progress=quiet) -> Data:
    return open_data(f"folder:{root}", image_size=size, subset=subset, progress=progress, cache=cache)


@pytest.fixture
def labelled(tmp_path):
    """Two classes of 40 and 20, grey values 0–39 and 100–119."""
    for i in range(40):
        save(tmp_path / "images" / "a" / f"{i:02}.png", i)
    for i in range(20):
        save(tmp_path / "images" / "b" / f"{i:02}.png", 100 + i)
    return tmp_path / "images"


def values(images: np.ndarray) -> list[int]:
    return [value_of(image) for image in images]


def test_a_tenth_of_each_class_is_held_out(labelled, tmp_path):
    data = opened(labelled, tmp_path / "cache")
    assert data.classes == ("a", "b")
    layout = folder_layout(labelled)
    held = held_out(layout.train.names, layout.train.labels)
    assert data.test.names == tuple(name for name, out in zip(layout.train.names, held, strict=True) if out)
    assert set(data.test.labels) == {0, 1}
    assert sorted(values(data.train.images) + values(data.test.images)) == [*range(40), *range(100, 120)]
    assert len(data.train) == count_images(f"folder:{labelled}", 0)


def test_labels_belong_to_their_images(labelled, tmp_path):
    data = opened(labelled, tmp_path / "cache")
    for split in (data.train, data.test):
        assert [value >= 100 for value in values(split.images)] == split.labels.astype(bool).tolist()


def test_a_test_split_is_used_as_it_is(labelled, tmp_path):
    labelled.rename(tmp_path / "train")
    (tmp_path / "set").mkdir()
    (tmp_path / "train").rename(tmp_path / "set" / "train")
    save(tmp_path / "set" / "val" / "b" / "x.png", 200)
    data = opened(tmp_path / "set", tmp_path / "cache")
    assert len(data.train) == 60
    assert (values(data.test.images), data.test.labels.tolist()) == ([200], [1])


def test_unlabelled_images_have_no_test_split(tmp_path):
    for i in range(5):
        save(tmp_path / "images" / f"{i}.png", i)
    data = opened(tmp_path / "images", tmp_path / "cache")
    assert data.test is None
    assert data.train.labels is None
    assert data.classes == ()
    assert values(data.train.images) == [0, 1, 2, 3, 4]


def test_a_subset_is_balanced_and_contained(labelled, tmp_path):
    few, all_of_it = (opened(labelled, tmp_path / "cache", subset=subset) for subset in (11, 0))
    assert sorted(np.bincount(few.train.labels).tolist()) == [5, 6]
    assert set(values(few.train.images)) < set(values(all_of_it.train.images))
    assert values(few.test.images) == values(all_of_it.test.images)  # six, fewer than eleven


def test_a_subset_limits_the_test_split_too(labelled, tmp_path):
    assert len(opened(labelled, tmp_path / "cache", subset=2).test) == 2


def test_only_the_subset_is_decoded(labelled, tmp_path):
    """Damage everything outside the subset: it is not even looked at."""
    train, test, _ = chosen(folder_layout(labelled), 10)
    for file in labelled.rglob("*.png"):
        if file.relative_to(labelled).as_posix() not in train.names + test.names:
            file.write_bytes(b"")
    assert opened(labelled, tmp_path / "cache", subset=10).damaged == ()


@pytest.mark.parametrize(
    ("sizes", "view", "side"),
    [
        ([(12, 12), (12, 12)], 32, 12),  # one size below the cap: as it is
        ([(20, 12), (12, 20)], 32, 12),
        ([(12, 12), (50, 70)], 32, 50),  # the largest shorter side
        ([(300, 200), (12, 12)], 32, 96),  # never above the cap
        ([(300, 300), (300, 300)], 224, 256),
        ([(1, 1), (1, 1)], 32, 1),
    ],
)
def test_the_stored_side(tmp_path, sizes, view, side):
    for i, size in enumerate(sizes):
        save(tmp_path / "images" / f"{i}.png", 7, size)
    assert opened(tmp_path / "images", tmp_path / "cache", size=view).train.images.shape == (2, 3, side, side)
    assert side_cap(view) == {32: 96, 224: 256}[view]


def test_progress_reaches_the_total(labelled, tmp_path):
    seen = []
    opened(labelled, tmp_path / "cache", progress=lambda *now: seen.append(now))
    train, test, _ = chosen(folder_layout(labelled), 0)
    for what, names in (("train", train.names), ("test", test.names)):
        assert (f"decoding {what} images", len(names), len(names)) in seen


# F18: damaged, truncated, palette, CMYK, 1-pixel, huge and missing images.


def bomb() -> bytes:
    """A valid PNG of 50 kB that unfolds to 20,000 × 20,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)  # one bit a pixel
    rows = zlib.compress(bytes(20_000 * (1 + 2_500)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def many(tmp_path):
    """4,400 unlabelled images: four may be damaged. Image i has grey value i % 200."""
    folder = tmp_path / "images"
    folder.mkdir()
    blobs = []
    for value in range(200):
        save(tmp_path / "one.png", value, (8, 8))
        blobs.append((tmp_path / "one.png").read_bytes())
    for i in range(4400):
        (folder / f"{i:04}.png").write_bytes(blobs[i % 200])
    return folder


def test_odd_but_valid_images_are_not_damaged(many, tmp_path):
    Image.new("CMYK", (8, 8)).save(many / "0000.png", "JPEG")
    Image.new("RGB", (8, 8)).quantize(2).save(many / "0001.png")
    save(many / "0002.png", 99, (1, 1))
    data = opened(many, tmp_path / "cache", size=8)
    assert data.damaged == ()
    assert value_of(data.train.images[2]) == 99


def test_damaged_images_are_named_and_substituted(many, tmp_path):
    jpeg = tmp_path / "noise.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)).save(jpeg, quality=95)
    (many / "0000.png").write_bytes(jpeg.read_bytes()[:-150])  # truncated; nothing before it
    (many / "0007.png").write_bytes(b"")
    (many / "0008.png").write_text("not an image")
    (many / "4399.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    data = opened(many, tmp_path / "cache", size=8)
    assert data.damaged == ("0000.png", "0007.png", "0008.png", "4399.png")
    assert len(data.train) == 4400
    expected = [i % 200 for i in range(4400)]
    expected[0], expected[7], expected[8], expected[4399] = 1, 6, 6, expected[4398]
    assert values(data.train.images) == expected
    assert opened(many, tmp_path / "cache", size=8).damaged == data.damaged  # from the cache, too


def test_what_unfolds_to_more_than_memory_should_hold_is_refused_by_name(many, tmp_path):
    (many / "4399.png").write_bytes(bomb())
    with pytest.raises(
        DataError, match=r"4399\.png has 20,000 × 20,000 pixels, more .* — .*SIMCLR_MAX_PIXELS=400000000"
    ):
        opened(many, tmp_path / "cache", size=8)


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE])
def test_an_image_that_the_disk_does_not_give_is_not_damaged_and_nothing_stands_in_for_it(
    labelled, tmp_path, monkeypatch, number
):
    real = open_images.shaped_pixels_of

    def refused(source, name, scaling):
        if name == "a/07.png":
            raise OSError(number, os.strerror(number))
        return real(source, name, scaling)

    with monkeypatch.context() as patched:
        patched.setattr(open_images, "shaped_pixels_of", refused)
        with pytest.raises(DataError, match=rf"a/07\.png cannot be read: {os.strerror(number)} — look at its disk"):
            opened(labelled, tmp_path / "cache")
    data = opened(labelled, tmp_path / "cache")
    assert data.damaged == ()
    assert sorted(values(data.train.images) + values(data.test.images)) == [*range(40), *range(100, 120)]


def test_an_image_that_vanishes_between_listing_and_decoding(many, tmp_path):
    def vanish(what: str, done: int, total: int) -> None:
        if what == "reading image sizes" and done == total:
            (many / "0100.png").unlink()

    data = opened(many, tmp_path / "cache", size=8, progress=vanish)
    assert data.damaged == ("0100.png",)
    assert value_of(data.train.images[100]) == 99


def test_more_than_a_thousandth_damaged_stops_with_their_names(many, tmp_path):
    lost = [f"{i:04}.png" for i in range(0, 4400, 100)]
    for name in lost:
        (many / name).write_bytes((many / name).read_bytes()[:40])
    with pytest.raises(DataError) as caught:
        opened(many, tmp_path / "cache", size=8)
    assert caught.value.message == "44 of 4,400 images are damaged (0000.png, 0100.png, 0200.png, …)"
    report = Path(caught.value.hint.rsplit(" ", 1)[1])
    assert report.read_text().split() == lost
    assert not list((tmp_path / "cache").glob("*.tmp"))


@pytest.mark.parametrize(("lost", "stops"), [(4, False), (5, True)])
def test_the_limit_is_a_thousandth(many, tmp_path, lost, stops):
    for i in range(lost):
        (many / f"{i:04}.png").write_bytes(b"")
    try:
        assert len(opened(many, tmp_path / "cache", size=8).damaged) == lost
        assert not stops
    except DataError:
        assert stops


def test_a_substitute_has_no_label_so_that_it_neither_votes_nor_is_asked_for(tmp_path, monkeypatch):
    for i in range(1100):
        save(tmp_path / "images" / "ab"[i // 550] / f"{i:04}.bmp", i % 200, (4, 4))
    train, *_ = chosen(folder_layout(tmp_path / "images"), 0)
    first_of_b = train.labels.tolist().index(1)
    (tmp_path / "images" / train.names[first_of_b]).write_bytes(b"")
    data = opened(tmp_path / "images", tmp_path / "cache", size=8)
    assert data.damaged == (train.names[first_of_b],)
    assert data.train.labels[first_of_b] == -1
    assert np.array_equal(data.train.images[first_of_b], data.train.images[first_of_b - 1])
    asked = [part.places for part in bank_and_validation(data.train)]
    assert sum(map(len, asked)) == len(data.train) - 1
    assert not any(first_of_b in places for places in asked)
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    lazy = opened(tmp_path / "images", tmp_path / "other", size=8)
    assert np.array_equal(lazy.train.labels, data.train.labels)
    assert fingerprint(lazy) == fingerprint(data), "what is known of the data says nothing of what could be decoded"
    lazy.train.images.decoders.close()
