"""Folders are read as people mean them, and what is held out depends on each name alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simclr_tui.errors import DataError
from simclr_tui.interpreter import extra_command
from simclr_tui.recipe.csv_listing import csv_layout
from simclr_tui.recipe.folders import folder_layout
from simclr_tui.recipe.hold_out import held_out
from simclr_tui.recipe.layout import Listing
from simclr_tui.recipe.reading import Reading


def touch(root: Path, *names: str) -> Path:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return root


@pytest.mark.parametrize(
    ("train", "test"),
    [("train", "test"), ("Training", "Testing"), ("TRAIN", "Val"), ("training", "dev"), ("train", "Validation"), ("Train", "eval")],  # noqa: E501
)  # fmt: skip
def test_split_names_mean_the_same_whatever_their_case(tmp_path, train, test):
    layout = folder_layout(touch(tmp_path, f"{train}/a/1.jpg", f"{train}/b/2.jpg", f"{test}/a/3.jpg"))
    assert layout.classes == ("a", "b")
    assert layout.train.names == (f"{train}/a/1.jpg", f"{train}/b/2.jpg")
    assert layout.test.names == (f"{test}/a/3.jpg",)


def test_the_next_labelled_split_is_tested_on(tmp_path):
    names = ("train/a/1.jpg", "train/b/2.jpg", "val/b/3.jpg", "test/4.jpg", "test/5.jpg")
    layout = folder_layout(touch(tmp_path, *names))
    assert layout.test.names == ("val/b/3.jpg",)
    assert any("2 images in test/: none is in a class folder" in sentence for sentence in layout.left_out)


def test_a_second_labelled_split_is_left_out_and_said(tmp_path):
    layout = folder_layout(touch(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "eval/b/3.jpg", "test/a/4.jpg"))
    assert layout.test.names == ("test/a/4.jpg",)
    assert any("1 image in eval/: test/ is the test split (eval/b/3.jpg)" in sentence for sentence in layout.left_out)


@pytest.mark.parametrize(
    ("splits", "test", "validation"),
    [
        ("test val", "test", "val"), ("Testing Valid", "Testing", "Valid"), ("dev eval", "eval", "dev"),
        ("test validation dev", "test", "validation"), ("val", "val", ""), ("val dev", "val", ""), ("test", "test", ""),
    ],
)  # fmt: skip
def test_a_labelled_split_called_validation_beside_a_test_split_holds_the_validation_images(
    tmp_path, splits, test, validation
):
    files = [f"{split}/a/{split}.jpg" for split in splits.split()]
    layout = folder_layout(touch(tmp_path, "train/a/1.jpg", "train/b/2.jpg", *files))
    assert layout.test.names == (f"{test}/a/{test}.jpg",)
    assert layout.validation.names == ((f"{validation}/a/{validation}.jpg",) if validation else ())
    assert layout.validated_on == (f"{validation}/" if validation else "")
    said = f"the validation images are those of {validation}/"
    assert (said in layout.notes) == bool(validation)
    before = folder_layout(tmp_path, Reading(validation=False))
    assert (before.validation, before.validated_on, before.test) == (Listing(), "", layout.test)
    if validation:
        assert any(f"1 image in {validation}/: {test}/ is the test split" in one for one in before.left_out)


def test_an_unlabelled_test_split_leaves_the_labelled_validation_images_to_be_tested_on(tmp_path):
    layout = folder_layout(touch(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "test/4.jpg"))
    assert (layout.test.names, layout.validation.names) == (("val/a/3.jpg",), ())
    table = tmp_path / "t.csv"
    rows = ["train/a/1.jpg,a,train", "train/b/2.jpg,b,train", "val/a/3.jpg,a,val", "test/4.jpg,,test"]
    table.write_text("\n".join(["path,label,split", *rows]))
    layout = csv_layout(table)
    assert (layout.test.names, layout.validation.names) == (("val/a/3.jpg",), ())


def test_shards_can_be_called_unlabelled(tmp_path):
    touch(tmp_path, *(f"{shard:03}/{i}.jpg" for shard in range(4) for i in range(3)))
    assert any("give --labels none" in note for note in folder_layout(tmp_path).notes)
    layout = folder_layout(tmp_path, Reading(labels="none"))
    assert (layout.classes, len(layout.train)) == ((), 12)
    assert any("4 folders are not used as classes" in note for note in layout.notes)


def test_one_class_folder_is_no_classification(tmp_path):
    touch(tmp_path, "cats/1.jpg", "cats/2.jpg")
    assert folder_layout(tmp_path).classes == ()
    with pytest.raises(DataError, match="has 1 class folder"):
        folder_layout(tmp_path, Reading(labels="folder"))


def test_what_systems_leave_behind_is_left_out_and_said(tmp_path):
    touch(
        tmp_path,
        "a/1.jpg",
        "b/2.jpg",
        "lost+found/3.jpg",
        "__MACOSX/a/._1.jpg",
        "a/@eaDir/1.jpg/SYNO.jpg",
        "b/.thumb.jpg",
    )
    layout = folder_layout(tmp_path)
    assert layout.classes == ("a", "b")
    assert layout.train.names == ("a/1.jpg", "b/2.jpg")
    (sentence,) = layout.left_out
    assert sentence.startswith("left out: 3 folders created by the system (")


@pytest.mark.parametrize(
    "name",
    [
        "lost+found",
        "__MACOSX",
        "@eaDir",
        "#recycle",
        "#snapshot",
        "@Recycle",
        "@tmp",
        "$RECYCLE.BIN",
        "System Volume Information",
    ],
)
@pytest.mark.parametrize("where", ["", "train/", "train/a/"])
def test_no_folder_that_a_system_creates_is_a_class_or_holds_images(tmp_path, name, where):
    touch(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "test/a/3.jpg", "test/b/4.jpg", f"{where}{name}/5.jpg")
    layout = folder_layout(tmp_path)
    assert layout.classes == ("a", "b")
    assert (layout.train.names, layout.test.names) == (
        ("train/a/1.jpg", "train/b/2.jpg"),
        ("test/a/3.jpg", "test/b/4.jpg"),
    )
    assert layout.left_out == (f"left out: 1 folder created by the system ({where}{name}/)",)


def test_other_formats_are_counted_and_named(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.jpg", "b/2.jpg", "b/3.svs", "b/4.svs", "b/5.heic", "notes.txt")
    monkeypatch.setattr("simclr_tui.recipe.image_kinds.installed", lambda package: False)
    left = " ".join(folder_layout(tmp_path).left_out)
    assert "2 .svs files, which cannot be read here: convert them to TIFF or PNG (b/3.svs, b/4.svs)" in left
    assert f"1 HEIC file, which needs pillow_heif: {extra_command('heif')} (b/5.heic)" in left
    assert "notes" not in left


def test_a_folder_of_nothing_but_unread_formats_says_so(tmp_path):
    with pytest.raises(DataError, match=r"no images in .*; left out: 1 \.svs file,"):
        folder_layout(touch(tmp_path, "slide.svs"))


def test_what_an_archive_unpacks_into_is_looked_through(tmp_path):
    layout = folder_layout(touch(tmp_path, "set-1.0/pictures/a/1.jpg", "set-1.0/pictures/b/2.jpg"))
    assert layout.classes == ("a", "b")


def test_a_class_whose_name_is_not_utf8_becomes_storable_text(tmp_path):
    for name in (b"caf\xe9", b"tea"):
        folder = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118
        os.mkdir(folder)  # noqa: PTH102
        with open(folder + b"/1.jpg", "wb"):
            pass
    layout = folder_layout(tmp_path)
    assert layout.classes == ("caf\\xe9", "tea")
    assert all((tmp_path / name).exists() for name in layout.train.names)


NAMES = [f"{'ab'[i % 2]}/{i:04}.jpg" for i in range(1000)]
LABELS = [i % 2 for i in range(1000)]


def test_about_a_tenth_is_held_out_of_each_class():
    held = held_out(NAMES, LABELS)
    assert 70 <= sum(held) <= 130
    assert {LABELS[i] for i in range(1000) if held[i]} == {0, 1}


@pytest.mark.parametrize("count", [3, 10, 40, 1000])
def test_one_image_more_or_less_changes_at_most_one_other(count):
    names, labels = NAMES[:count], LABELS[:count]
    before = {name for name, out in zip(names, held_out(names, labels), strict=True) if out}
    for extra in range(30):
        more = held_out([*names, f"a/new{extra}.jpg"], [*labels, 0])
        after = {name for name, out in zip(names, more[:-1], strict=True) if out}
        assert len(before ^ after) <= 1
    for gone in range(0, count, max(1, count // 20)):
        fewer, fewer_labels = names[:gone] + names[gone + 1 :], labels[:gone] + labels[gone + 1 :]
        after = {name for name, out in zip(fewer, held_out(fewer, fewer_labels), strict=True) if out}
        assert len((before - {names[gone]}) ^ after) <= 1


@pytest.mark.parametrize("count", range(2, 12))
def test_a_class_of_two_or_more_is_on_both_sides(count):
    held = held_out([f"a/{i}" for i in range(count)], [0] * count)
    assert 0 < sum(held) < count


def test_groups_stay_whole():
    groups = [f"patient{i // 7}" for i in range(1000)]
    held = held_out(NAMES, LABELS, groups)
    sides = {group: {held[i] for i in range(1000) if groups[i] == group} for group in groups}
    assert all(len(side) == 1 for side in sides.values())
    assert {True, False} == {held[i] for i in range(1000)}
