"""Choices are made by a data set's own validation images, whatever it is stored as, and not by its test images."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.decoded import decoded_entries, free
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.comparable import DIGESTS
from simclr_tui.store.data_facts import NAME, read_data_facts, write_data_facts
from simclr_tui.train.data import Data, open_data
from simclr_tui.train.data.facts import fingerprint
from simclr_tui.train.data.inspect import inspect_data
from simclr_tui.train.data.sources.files import FolderSource
from simclr_tui.train.data.validation import bank_and_validation, votes_and_validation
from simclr_tui.train.known_data import reading_of_run, recognise_data
from simclr_tui.train.observe.monitor import Monitor

IMAGES = np.random.default_rng(6).integers(0, 256, (36, 12, 12, 3), np.uint8)
LABELS = np.arange(36) % 3
SPLITS = {"train": slice(0, 21), "val": slice(21, 30), "test": slice(30, 36)}


def opened(data: str, folder: Path, **reading: object) -> Data:
    how = Reading(**reading)  # type: ignore[arg-type]
    return open_data(data, image_size=12, subset=0, progress=lambda *_: None, cache=folder / "cache", reading=how)


def digests(data: str, folder: Path) -> dict[str, str]:
    return open_data(
        data, image_size=12, subset=0, progress=lambda *_: None, cache=folder / "cache", digests=True
    ).held_out


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def each():
    """Yield split, number and class of every image."""
    for split, part in SPLITS.items():
        for number in range(part.start, part.stop):
            yield split, number, f"class{LABELS[number]}"


def folder(root: Path) -> str:
    for split, number, label in each():
        file = root / "images" / split / label / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(IMAGES[number]))
    return f"folder:{root / 'images'}"


def csv(root: Path) -> str:
    lines = ["path,label,split"]
    for split, number, label in each():
        (root / f"{number:02}.png").write_bytes(png(IMAGES[number]))
        lines.append(f"{number:02}.png,{label},{split}")
    (root / "table.csv").write_text("\n".join(lines))
    return f"csv:{root / 'table.csv'}"


def npz(root: Path) -> str:
    arrays = {f"x_{split}": IMAGES[part] for split, part in SPLITS.items()}
    np.savez(root / "d.npz", **arrays, **{f"y_{split}": LABELS[part] for split, part in SPLITS.items()})
    return f"npz:{root / 'd.npz'}"


def tar(root: Path) -> str:
    for split in SPLITS:
        with tarfile.open(root / f"{split}-000.tar", "w") as file:
            for own, number, label in each():
                for suffix, content in ((".png", png(IMAGES[number])), (".cls", label.encode())):
                    if own == split:
                        member = tarfile.TarInfo(f"{number:02}{suffix}")
                        member.size = len(content)
                        file.addfile(member, io.BytesIO(content))
    return f"tar:{root}/*.tar"


def parquet(root: Path) -> str:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for split, part in SPLITS.items():
        rows = {"image": [png(image) for image in IMAGES[part]], "label": LABELS[part].tolist()}
        pq.write_table(pa.table(rows), root / f"{split}-00000.parquet")
    return f"parquet:{root}/*.parquet"


def hdf5(root: Path) -> str:
    h5py = pytest.importorskip("h5py")
    with h5py.File(root / "d.h5", "w") as file:
        for split, part in SPLITS.items():
            file[f"{split}/images"], file[f"{split}/labels"] = IMAGES[part], LABELS[part]
    return f"h5:{root / 'd.h5'}"


KINDS = [folder, csv, npz, tar, parquet, hdf5]


def stored_as(images: np.ndarray) -> list[bytes]:
    return sorted(np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes() for image in images)


def asked(data: Data, **recipe: object) -> dict[str, str | int | float]:
    return Monitor(Recipe(knn_k=3, **recipe), data, None, report=None, stop=None).facts()  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_choices_are_made_by_the_own_validation_images_and_every_training_image_votes(tmp_path, kind):
    data = opened(kind(tmp_path), tmp_path)
    for split, images in (("train", data.train), ("val", data.validation), ("test", data.test)):
        assert stored_as(images.images) == sorted(image.tobytes() for image in IMAGES[SPLITS[split]])
        assert np.bincount(images.labels).tolist() == np.bincount(LABELS[SPLITS[split]]).tolist()
    votes, validation = votes_and_validation(data)
    assert votes.images is data.train.images
    assert (len(votes), len(validation)) == (21, 9)
    assert validation.images is data.validation.images
    assert data.validated_on
    assert f"the validation images are those of {data.validated_on}" in data.layout
    facts = asked(data)
    assert [facts[name] for name in ("knn_on", "knn_split", "knn_images", "knn_bank")] == [
        "validation", data.validated_on, 9, 21
    ]  # fmt: skip
    tested = asked(data, knn_on="test")
    assert (tested["knn_on"], tested["knn_images"], "knn_split" in tested) == ("test", 6, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_begun_before_goes_on_with_the_splits_and_the_fingerprint_that_it_had(tmp_path, kind):
    data = opened(kind(tmp_path), tmp_path, validation=False)
    assert data.validation is None
    assert len(data.train) == 21
    assert len(data.test) == 6
    assert len(votes_and_validation(data)[1]) == len(bank_and_validation(data.train)[1])
    assert fingerprint(data) != fingerprint(opened(kind(tmp_path), tmp_path))


def test_what_a_run_began_with_decides_what_it_is_resumed_with(tmp_path):
    recipe, paths = Recipe(data=folder(tmp_path)), RunPaths(tmp_path / "run1")
    paths.root.mkdir()
    assert reading_of_run(paths, recipe, resumes=False).validation
    older = recognise_data(paths, "x", opened(recipe.data, tmp_path, validation=False), resumes=False).facts
    stored = msgspec.to_builtins(older)
    del stored["validation_images"]  # as data.json was
    (paths.root / NAME).write_text(json.dumps(stored))
    for _ in range(2):  # each resume writes data.json anew
        reading = reading_of_run(paths, recipe, resumes=True)
        assert not reading.validation
        known = recognise_data(paths, "x", opened(recipe.data, tmp_path, validation=False), resumes=True)
        write_data_facts(paths.root, known.facts)
    assert reading_of_run(paths, recipe, resumes=False).validation, "not a step was trained on the older splits"


def test_a_resumed_run_refuses_other_validation_images_in_words(tmp_path):
    data, paths = folder(tmp_path), RunPaths(tmp_path / "run1")
    paths.root.mkdir()
    write_data_facts(paths.root, recognise_data(paths, "x", opened(data, tmp_path), resumes=False).facts)
    assert read_data_facts(paths.root).validation_images == 9
    assert recognise_data(paths, "x", opened(data, tmp_path), resumes=True).schedule_images == 0
    next((tmp_path / "images" / "val").rglob("*.png")).unlink()
    with pytest.raises(DataError, match="9 validation images before, 8 now"):
        recognise_data(paths, "x", opened(data, tmp_path), resumes=True)


def test_validation_images_that_are_decoded_as_they_are_asked_for_are_the_same(tmp_path, monkeypatch):
    data = folder(tmp_path)
    decoded = opened(data, tmp_path)
    again = opened(data, tmp_path)
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    lazy = opened(data, tmp_path / "other")
    for other in (again, lazy):
        assert np.array_equal(other.validation.images[:], decoded.validation.images)
        assert np.array_equal(other.validation.labels, decoded.validation.labels)
        assert other.validation.names == decoded.validation.names
        assert other.validated_on == "val/"
        assert fingerprint(other) == fingerprint(decoded)
    lazy.train.images.decoders.close()


def test_tiles_of_validation_images_are_validation_images(tmp_path):
    data = opened(folder(tmp_path), tmp_path, tile="6")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [4 * 21, 4 * 9, 4 * 6]
    assert data.validated_on == "val/"


def test_a_group_on_two_sides_is_refused_by_name(tmp_path):
    csv(tmp_path)
    lines = ["path,label,split,patient"]
    lines += [
        f"{number:02}.png,{label},{split},p{number if split == 'test' else number % 21}"
        for split, number, label in each()
    ]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"groups are in both training and validation \(p0, p1, p2\)"):
        opened(f"csv:{tmp_path / 'table.csv'}", tmp_path)


def test_a_look_at_the_data_says_which_images_are_the_validation_images(tmp_path):
    report = inspect_data(folder(tmp_path), Reading(), lambda *_: None)
    assert (report.images, report.validation_images, report.test_images) == (21, 9, 6)
    assert "the validation images are those of val/" in report.layout
    copied = tmp_path / "images" / "val" / "class0" / "copy.png"
    copied.write_bytes(next((tmp_path / "images" / "train").rglob("*.png")).read_bytes())
    assert inspect_data(f"folder:{tmp_path / 'images'}", Reading(), lambda *_: None).duplicates.across == 1


@pytest.mark.parametrize(("changed", "kept"), [("train", set(DIGESTS)), ("val", {"test"}), ("test", {"validation"})])
def test_a_run_knows_which_images_its_accuracies_are_measured_on(tmp_path, changed, kept):
    data = folder(tmp_path)
    before = digests(data, tmp_path)
    replaced = next(Path(data.removeprefix("folder:")).glob(f"{changed}/*/*.png"))
    replaced.write_bytes(png(IMAGES[0] * 0))
    after = digests(data, tmp_path)
    assert {kind for kind, name in DIGESTS.items() if before[name] == after[name]} == kept


def test_without_a_split_the_held_out_images_are_known_by_their_names_and_another_training_image_is_no_matter(tmp_path):
    for number in range(60):
        (tmp_path / "images" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / "ab"[number % 2] / f"{number:02}.png").write_bytes(png(IMAGES[number % 36]))
    data = f"folder:{tmp_path / 'images'}"
    first = opened(data, tmp_path)
    before = digests(data, tmp_path)
    votes = sorted(
        set(first.train.names) - {first.train.names[place] for place in bank_and_validation(first.train)[1].places}
    )
    replaced = tmp_path / "images" / votes[0]
    replaced.write_bytes(png(IMAGES[0] * 0))
    again = opened(data, tmp_path)
    assert digests(data, tmp_path) == before
    assert fingerprint(again) != fingerprint(first)
    (tmp_path / "images" / first.test.names[0]).write_bytes(png(IMAGES[0] * 0))
    changed = digests(data, tmp_path)
    assert {name: before[name] != changed[name] for name in changed} == {
        "validation_digest": False,
        "test_digest": True,
    }


def test_a_held_out_file_that_was_replaced_by_one_of_its_size_is_seen_and_one_written_again_is_the_same(tmp_path):
    data = folder(tmp_path)
    for number, file in enumerate(sorted((tmp_path / "images").rglob("*.png"))):
        Image.fromarray(IMAGES[number]).save(file, "BMP")  # whose size is that of its pixels
    before = digests(data, tmp_path)
    tested = sorted((tmp_path / "images" / "test").rglob("*.png"))
    content, seconds = tested[0].read_bytes(), tested[0].stat().st_mtime
    tested[0].write_bytes(content)
    os.utime(tested[0], (seconds + 9, seconds + 9))
    assert digests(data, tmp_path) == before, "as it was, though it was copied"
    tested[0].write_bytes(content[:-4] + b"\0\1\2\3")
    os.utime(tested[0], (seconds + 18, seconds + 18))
    after = digests(data, tmp_path)
    assert {name: before[name] != after[name] for name in before} == {"validation_digest": False, "test_digest": True}


def test_a_labelled_array_knows_its_held_out_images_by_their_values_and_not_by_its_size(tmp_path):
    """An image that is added for training makes the file larger; a test image that changes leaves its size."""

    def saved(images: np.ndarray, tested: np.ndarray) -> dict[str, str]:
        labels = np.arange(len(images)) % 3
        np.savez(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=tested, y_test=LABELS[30:])
        return digests(f"npz:{tmp_path / 'd.npz'}", tmp_path)

    before = saved(IMAGES[:29], IMAGES[30:])
    assert saved(IMAGES[:30], IMAGES[30:])["test_digest"] == before["test_digest"]
    changed = IMAGES[30:].copy()
    changed[2, 5, 5] ^= 1
    assert saved(IMAGES[:29], changed)["test_digest"] != before["test_digest"]


def test_held_out_images_are_read_once_and_what_is_kept_of_them_is_no_condition(tmp_path, monkeypatch):
    data = folder(tmp_path)
    first, read = opened(data, tmp_path), []
    assert first.held_out == {}, "only who asks for them pays for them"
    image = FolderSource.image
    monkeypatch.setattr(FolderSource, "image", lambda source, name: read.append(name) or image(source, name))
    before = digests(data, tmp_path)
    assert sorted(read) == sorted([*first.validation.names, *first.test.names])
    assert digests(data, tmp_path) == before
    assert len(read) == 15, "the second run finds what the first one kept"
    (kept,) = (tmp_path / "cache").glob("*-held-out.json")
    kept.write_bytes(b"[1")
    assert digests(data, tmp_path) == before
    free(next(entry for entry in decoded_entries(tmp_path / "cache")))
    assert not kept.exists()
    kept.mkdir()
    assert digests(data, tmp_path) == before, "kept nowhere, it is read each time"
