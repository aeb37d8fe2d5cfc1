"""What of a folder is taken for an image, by name or by content, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from simclr_tui.recipe import image_kinds
from simclr_tui.recipe.image_walk import LeftOut, walk

CONTENTS = {
    "JPEG": b"\xff\xd8\xff\xe0", "PNG": b"\x89PNG\r\n\x1a\n", "WebP": b"RIFF\0\0\0\0WEBP", "GIF": b"GIF89a",
    "TIFF": b"II*\0\x08\0\0\0", "JPEG 2000": b"\0\0\0\x0cjP  \r\n", "AVIF": b"\0\0\0\x20ftypavif",
    "HEIC": b"\0\0\0\x18ftypheic", "DICOM": bytes(128) + b"DICM", "NumPy": b"\x93NUMPY\1\0",
}  # fmt: skip


def found(folder: Path) -> tuple[list[str], tuple[str, ...]]:
    left_out = LeftOut()
    return sorted(walk(str(folder), left_out)), left_out.sentences


@pytest.fixture(autouse=True)
def every_library(monkeypatch):
    monkeypatch.setattr(image_kinds, "installed", lambda package: True)


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_file_whose_name_says_no_kind_is_known_by_its_content(tmp_path, kind):
    for name in ("IM0001", "1.2.840.113619.2.55.3"):
        (tmp_path / name).write_bytes(CONTENTS[kind] + bytes(200))
    assert found(tmp_path) == (["1.2.840.113619.2.55.3", "IM0001"], ())
    known = image_kinds.kind_by_content(tmp_path / "IM0001")
    assert known is not None
    assert known.name == kind


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("README", b"Photographs of ferns\n"), ("LICENSE", b"BM, or so\n"), ("Makefile", b"P5\n"), ("empty", b""),
        ("film", b"\0\0\0\x18ftypisom"), ("sound", b"RIFF\0\0\0\0WAVE"), ("DICOMDIR", CONTENTS["DICOM"]),
        ("notes.txt", CONTENTS["PNG"]), (".hidden", CONTENTS["PNG"]),
    ],
)  # fmt: skip
def test_what_may_be_no_image_is_not_taken_for_one(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert found(tmp_path) == ([], ())


def test_scans_without_a_suffix_are_left_out_and_named_where_their_library_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(image_kinds, "installed", lambda package: package != "pydicom")
    for number in range(2):
        (tmp_path / f"IM{number}").write_bytes(CONTENTS["DICOM"])
    names, (sentence,) = found(tmp_path)
    assert names == []
    assert sentence.startswith("left out: 2 DICOM files, which need pydicom: ")
    assert sentence.endswith("(IM0, IM1)")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("more.zip", "1 .zip file, which is not looked into: unpack it (more.zip)"),
        ("brain.nii.gz", "1 .gz file, which is not looked into: unpack it (brain.nii.gz)"),
        ("s.tar", "1 .tar file, which is not looked into: unpack it, or give --data tar:FILE (s.tar)"),
        ("d.npz", "1 .npz file, which holds arrays: give --data npz:FILE (d.npz)"),
        ("d.HDF5", "1 .hdf5 file, which holds arrays: give --data h5:FILE (d.HDF5)"),
        ("a.jpg.part", "1 .part file, whose download has not ended: fetch it again (a.jpg.part)"),
        ("a.svs", "1 .svs file, which cannot be read here: convert it to TIFF or PNG (a.svs)"),
    ],
)
def test_files_that_may_hold_images_are_named_with_what_to_do(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"something")
    (tmp_path / "a.png").write_bytes(b"")
    assert found(tmp_path) == (["a.png"], (f"left out: {words}",))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["scan.ima"], ".ima file, which is of no kind that is read (scan.ima)"),
        (["x.foo", "y.FOO"], ".foo files, which are of no kind that is read (x.foo, y.FOO)"),
        (["a.jpg?w=200", "b.jpg~"], "files of other kinds (a.jpg?w=200, b.jpg~)"),
    ],
    ids=["ima", "foo", "no suffix at all"],
)
def test_files_of_a_suffix_that_is_not_known_are_counted_and_named(tmp_path, names, words):
    for name in ("notes.txt", "a.json", "labels.csv", "Thumbs.db", "README"):
        (tmp_path / name).write_bytes(b"something")
    assert found(tmp_path) == ([], ())
    for name in names:
        (tmp_path / name).write_bytes(CONTENTS["PNG"])  # a backup of an image is none, nor is a thumbnail
    assert found(tmp_path) == ([], (f"left out: {len(names)} {words}",))


@pytest.mark.parametrize("name", ["1.ima", "scan.ACR", "1.2.840.dcm_0001"])
def test_a_scan_is_known_by_its_content_whatever_its_suffix(tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(CONTENTS["DICOM"])
    assert found(tmp_path) == ([name], ())
    monkeypatch.setattr(image_kinds, "installed", lambda package: package != "pydicom")
    assert found(tmp_path)[1][0].startswith("left out: 1 DICOM file, which needs pydicom: ")


def test_of_many_files_of_a_suffix_that_are_no_scans_only_the_first_are_looked_into(tmp_path):
    for number in range(120):
        (tmp_path / f"{number:03}.box").write_bytes(b"1 2 3 4")
    (tmp_path / "last.box").write_bytes(CONTENTS["DICOM"])
    assert found(tmp_path) == (
        [],
        ("left out: 121 .box files, which are of no kind that is read (000.box, 001.box, 002.box, …)",),
    )
    (tmp_path / "000.box").write_bytes(CONTENTS["DICOM"])
    assert found(tmp_path)[0] == ["000.box"]


def test_a_folder_called_like_an_archive_is_looked_into_and_a_zarr_is_named(tmp_path):
    for folder in ("photos.zip", "volume.zarr"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(b"")
    names, (sentence,) = found(tmp_path)
    assert names == ["photos.zip/a.png"]
    assert sentence.startswith("left out: 1 .zarr file")
