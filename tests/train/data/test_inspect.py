"""Looking at a data set tells what is in it, what is wrong with it, and what recipe it suggests."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from simclr_tui.display.data_words import splits
from simclr_tui.errors import DataError
from simclr_tui.recipe.datasets import describe
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.split_counts import SplitCounts
from simclr_tui.store.data_report import DataReport
from simclr_tui.train.data import open_data
from simclr_tui.train.data.inspect import inspect_data, main
from tests.train.data.test_kinds import dicom

RNG = np.random.default_rng(2)


def save(file: Path, image: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(file)


def noise(*shape: int, top: int = 255) -> np.ndarray:
    return RNG.integers(0, top + 1, shape, np.uint8 if top < 256 else np.uint16)


def looked(root: Path, **reading: str) -> DataReport:
    return inspect_data(f"folder:{root}", Reading(**reading), lambda *_: None)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Two classes with a test split, a copy within, a copy across, a constant image, a damaged one, and clutter."""
    root = tmp_path / "odd"
    for i in range(30):
        save(root / "Training" / "ab"[i % 2] / f"{i:02}.png", noise(40, 50, 3))
    for i in range(6):
        save(root / "Testing" / "ab"[i % 2] / f"t{i}.png", noise(90, 70, 3))
    shutil.copy(root / "Training" / "a" / "00.png", root / "Training" / "a" / "00 copy.png")
    shutil.copy(root / "Training" / "b" / "01.png", root / "Testing" / "b" / "again.png")
    save(root / "Training" / "a" / "flat.png", np.full((40, 40, 3), 7, np.uint8))
    (root / "Training" / "a" / "torn.png").write_bytes(b"\x89PNG")
    save(root / "Training" / "a" / "@eaDir" / "thumb.png", noise(8, 8, 3))
    (root / "Training" / "b" / "slide.svs").write_bytes(b"x")
    (root / "Testing" / "._t0.png").write_bytes(b"x")
    return root


def test_what_training_would_refuse_is_refused(odd, tmp_path):
    with pytest.raises(DataError) as refused:
        open_data(f"folder:{odd}", image_size=32, subset=0, progress=lambda *_: None, cache=tmp_path / "cache")
    assert looked(odd).refused.startswith(refused.value.message)
    (odd / "Training" / "a" / "torn.png").unlink()
    assert looked(odd).refused == ""


def test_what_is_there_and_what_is_wrong_with_it(odd):
    report = looked(odd)
    assert report.classes == {"a": 18, "b": 15}
    assert report.test_classes == {"a": 3, "b": 4}
    assert not report.held_out
    assert "tested on Testing/" in report.layout
    (form,) = report.formats
    assert (form.words, form.count) == ("PNG, 3 channels of uint8", 39)
    assert (form.smallest, form.largest) == ((40, 40), (70, 90))
    assert (report.duplicates.within, report.duplicates.across) == (1, 1)
    assert ["Training/b/01.png", "Testing/b/again.png"] in report.duplicates.groups
    assert report.constant == ["Training/a/flat.png"]
    assert report.damaged == ["Training/a/torn.png"]
    assert any("@eaDir" in sentence for sentence in report.left_out)
    assert any("1 .svs file," in sentence for sentence in report.left_out)
    assert not any("._t0" in sentence for sentence in report.left_out)
    assert sum(report.channels[0].histogram) > 0


def test_the_range_found_is_that_of_the_values(tmp_path):
    for i in range(8):
        pixels = noise(32, 32, top=4095)
        pixels[0, 0], pixels[-1, -1] = 0, 4095
        save(tmp_path / "xrays" / f"{i}.png", pixels)
    report = looked(tmp_path / "xrays")
    (channel,) = report.channels
    assert (channel.low, channel.high) == (0, 4095)
    assert channel.percentiles[1] == pytest.approx(2047, abs=120)
    flags = {item.flag: item.value for item in report.advice}
    assert flags["--image-size"] == "32"
    assert flags["--knn-every"] == "0"


def test_what_training_would_refuse_is_said(tmp_path):
    save(tmp_path / "mixed" / "a.png", noise(16, 16, top=4095))
    save(tmp_path / "mixed" / "b.png", noise(16, 16))
    assert "differ in bit depth" in looked(tmp_path / "mixed").refused
    assert looked(tmp_path / "mixed", range="0:4095").refused == ""


def test_every_kind_of_refused_file_is_told_with_their_number_by_the_look_and_by_the_launch(tmp_path):
    for i in range(30):
        save(tmp_path / "images" / f"{i:02}.png", noise(16, 16, 3))
    for i in range(12):
        (tmp_path / "images" / f"z{i:02}.png").write_bytes(gzip.compress(bytes(90), mtime=0))
    (tmp_path / "images" / "pointer.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    data = f"folder:{tmp_path / 'images'}"
    with pytest.raises(DataError) as refused:
        open_data(data, image_size=16, subset=0, progress=lambda *_: None, cache=tmp_path / "cache")
    assert (
        str(refused.value)
        == looked(tmp_path / "images").refused
        == (
            "images are refused for 2 reasons:"
            " pointer.png is a Git LFS pointer to a file that was not fetched — run git lfs pull;"
            " z00.png is compressed by gzip (and 11 more: z01.png, z02.png, …) — unpack it"
        )
    )


def test_images_of_several_channels_and_several_depths_are_told_of_both(tmp_path):
    for i in range(3):
        save(tmp_path / "images" / f"colour{i}.png", noise(16, 16, 3))
        save(tmp_path / "images" / f"deep{i}.png", noise(16, 16, top=4095))
    told = looked(tmp_path / "images").refused
    assert "differ in channels: colour0.png is PNG, 3 channels of uint8 (3 images); deep0.png" in told
    assert "--channels 1" in told
    assert "differ in bit depth: colour0.png is PNG, 3 channels of uint8 (3 images); deep0.png" in told
    assert "--range LO:HI" in told


def test_values_that_are_not_finite_are_told_of_all_images_looked_into(tmp_path):
    (tmp_path / "images").mkdir()
    for i in range(9):
        image = np.ones((8, 8), np.float32) * np.arange(8, dtype=np.float32)
        image[0, : i % 3] = np.nan
        np.save(tmp_path / "images" / f"{i}.npy", image)
    report = looked(tmp_path / "images")
    assert report.refused.startswith("1.npy holds NaN or infinity (1 of its values) (and 5 more: 2.npy, 4.npy, …) — ")
    assert report.channels, "what can be measured is shown all the same"
    assert looked(tmp_path / "images", range="0:7").refused == ""


@pytest.mark.parametrize("train_too", [True, False])
@pytest.mark.parametrize("chosen", ["auto", "image"])
def test_held_out_values_that_are_not_finite_are_told_with_those_to_train_on(tmp_path, chosen, train_too):
    """Whether the range is measured over training images first, or each image has its own."""
    for split, bad in (("train", train_too), ("test", True), ("val", True)):
        for i in range(6):
            image = np.arange(64, dtype=np.float32).reshape(8, 8)
            image[0, : 2 * (bad and i > 3)] = np.inf
            file = tmp_path / "images" / split / "ab"[i % 2] / f"{i}.npy"
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, image)
    told = "holds NaN or infinity (2 of its values) (and "
    told += "5 more: train/b/5.npy, test/a/4.npy, …)" if train_too else "3 more: test/b/5.npy, val/a/4.npy, …)"
    assert told in looked(tmp_path / "images", range=chosen).refused
    with pytest.raises(DataError) as refused:
        open_data(
            f"folder:{tmp_path / 'images'}", image_size=8, subset=0, progress=lambda *_: None,
            cache=tmp_path / "cache", reading=Reading(range=chosen),
        )  # fmt: skip
    assert told in str(refused.value)
    assert not list((tmp_path / "cache").glob("*.tmp"))


def test_thousands_of_files_are_looked_at_by_several_processes(tmp_path):
    save(tmp_path / "many" / "a" / "0.png", noise(16, 16, 3))
    (tmp_path / "many" / "b").mkdir()
    for i in range(2500):
        (tmp_path / "many" / "ab"[i % 2] / f"l{i}.png").hardlink_to(tmp_path / "many" / "a" / "0.png")
    report = looked(tmp_path / "many")
    assert report.images + report.test_images == 2501
    assert report.duplicates.across == report.test_images
    assert report.duplicates.within + report.duplicates.across <= 2500


def test_the_program_prints_one_json_document(odd):
    words = [sys.executable, "-m", "simclr_tui.train.data.inspect", f"folder:{odd}"]
    done = subprocess.run(words, capture_output=True, check=True)
    assert msgspec.json.decode(done.stdout, type=DataReport).images == 33
    gone = subprocess.run([*words[:-1], "folder:/nowhere/at/all"], capture_output=True, text=True)
    assert gone.returncode == 4
    assert gone.stderr.startswith("/nowhere/at/all does not exist — ")


def test_links_copies_and_files_that_only_begin_alike_are_told_apart(tmp_path):
    draw = np.random.default_rng(3)
    first = draw.integers(0, 256, (100, 100, 3), np.uint8)
    (tmp_path / "images").mkdir()
    source = tmp_path / "images" / "0.bmp"
    Image.fromarray(first[::-1]).save(source)
    for name in ("link.bmp", "another.bmp"):
        os.link(source, tmp_path / "images" / name)
    (tmp_path / "images" / "copy.bmp").write_bytes(source.read_bytes())
    other = bytearray(source.read_bytes())
    other[-1] ^= 1  # beyond the part that every look reads
    (tmp_path / "images" / "other.bmp").write_bytes(bytes(other))
    report = looked(tmp_path / "images")
    assert report.duplicates.groups == [["0.bmp", "another.bmp", "copy.bmp", "link.bmp"]]
    assert report.duplicates.within == 3


@pytest.mark.parametrize("known", ["cifar10", "auto"])
def test_a_known_data_set_is_not_looked_at_and_that_is_one_sentence(capsys, known):
    assert main([known]) == 4
    assert capsys.readouterr().err.startswith(f"{known} is a known data set — simclr data ls says what it holds")


def in_folders(root: Path, suffix: str = ".png", **counts: int) -> str:
    """Save images of classes a and b; `test=4` are four of them in the folder test/, `images=9` are in no split."""
    for split, count in counts.items():
        for i in range(count):
            folder = (root if split == "images" else root / split) / "ab"[i % 2]
            write = dicom() if suffix == ".dcm" else save
            folder.mkdir(parents=True, exist_ok=True)
            write(folder / f"{split}{i:02}{suffix}", noise(8, 8, 1) if suffix == ".dcm" else noise(8, 8))
    return f"folder:{root}"


def in_a_table(root: Path, *columns: str, splits: dict[str, int]) -> str:
    """Save a CSV of images of two classes; a patient has five of them, which are all of one class and split."""
    rows = [",".join(("path", "label", *columns))]
    for split, count in splits.items():
        for i in range(count):
            name, patient = f"{split}{i:02}.png", f"{split}{i // 5}"
            save(root / name, noise(8, 8))
            values = {"split": split, "patient": patient}
            rows.append(",".join((name, "ab"[i // 5 % 2], *(values[column] for column in columns))))
    (root / "table.csv").write_text("\n".join(rows))
    return f"csv:{root / 'table.csv'}"


SPLITS = {
    "no test split": lambda root: in_folders(root, images=57),
    "a test split": lambda root: in_folders(root, Training=12, Testing=5),
    "a validation split alone": lambda root: in_folders(root, train=12, val=5),
    "three splits": lambda root: in_folders(root, train=12, val=5, test=3),
    "DICOM": lambda root: in_folders(root, ".dcm", images=33),
    "DICOM in splits": lambda root: in_folders(root, ".dcm", train=6, valid=3, eval=2),
    "no labels": lambda root: in_folders(root, images=1),
    "a table without splits": lambda root: in_a_table(root, splits={"train": 44}),
    "a table of patients": lambda root: in_a_table(root, "patient", splits={"train": 60}),
    "a table of splits": lambda root: in_a_table(root, "split", "patient", splits={"train": 20, "val": 10, "test": 10}),
    "a table of two splits": lambda root: in_a_table(root, "split", splits={"train": 20, "dev": 10}),
}


@pytest.mark.parametrize("subset", [0, 7])
@pytest.mark.parametrize("make", SPLITS.values(), ids=SPLITS)
def test_the_plan_and_the_look_count_the_images_that_training_then_uses(tmp_path, make, subset):
    data = make(tmp_path / "data")
    used = open_data(data, image_size=8, subset=subset, progress=lambda *_: None, cache=tmp_path / "cache")
    report = inspect_data(data, Reading(), lambda *_: None)
    test, validation = (len(part) if part else 0 for part in (used.test, used.validation))
    told = SplitCounts(len(used.train), test, validation, report.held_out).words
    planned, notes = describe(data, subset)
    assert (planned, notes[0], splits(report, subset)) == (len(used.train), told, told)


def test_images_of_nan_alone_are_told_of_that_and_not_of_one_value(tmp_path):
    (tmp_path / "images").mkdir()
    for i in range(3):
        np.save(tmp_path / "images" / f"{i}.npy", np.full((8, 8), np.nan, np.float32))
    with pytest.raises(DataError) as refused:
        open_data(
            f"folder:{tmp_path / 'images'}", image_size=8, subset=0, progress=lambda *_: None, cache=tmp_path / "c"
        )
    report = looked(tmp_path / "images")
    assert report.refused == str(refused.value)
    assert (report.constant_count, report.range_reason) == (0, "")


@pytest.mark.parametrize(
    ("rescale", "values", "words"),
    [
        ((1, 0), (0, 4095), "12 bits in 16"), ((1, -1024), (-1024, 3071), "12 bits in 16, rescaled"),
        ((1, 0), (-1024, 3071), "16 bits, signed"), ((1, -10), (-1024, 3071), "16 bits, signed, rescaled"),
        ((0.5, -10), (-10, 2000), "12 bits in 16, rescaled to float32"),
    ],
)  # fmt: skip
def test_the_depth_of_dicom_images_is_told_as_the_scanner_stored_them(tmp_path, rescale, values, words):
    image = np.linspace(*values, 64).round().reshape(8, 8, 1)
    image[0, 0], image[-1, -1] = values
    dicom(*rescale)(tmp_path / "ct.dcm", image)
    report = looked(tmp_path)
    assert [form.words for form in report.formats] == [f"DICOM, 1 channel of {words}"]
    assert (report.channels[0].low, report.channels[0].high) == values
