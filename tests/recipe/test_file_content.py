"""What a file is by its first bytes: an image, something else with a name, or nothing that is known."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest

from simclr_tui.errors import DataError
from simclr_tui.recipe.file_content import image_kind, other_content, refuse_other


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, images=np.zeros((2, 4, 4), np.uint8))
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", b"")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.png"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "remedy"),
    [
        (gzip.compress(b"x", mtime=0), "compressed by gzip", "unpack it"),
        (lzma.compress(b"x"), "compressed by xz", "unpack it"),
        (npz(), "a ZIP archive of arrays", "give --data npz:FILE"),
        (zipped(), "a ZIP archive", "unpack it"),
        (tarred(), "a tar archive", "give --data tar:FILE"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "give --data h5:FILE"),
        (bytes(344) + b"n+1\0", "a NIfTI volume", "save its slices as TIFF, or as one array"),
        (b"SIMPLE  =                    T", "a FITS image", "save it as TIFF or .npy"),
        (b"\xff\xd8\xff\xf7\0\x0b", "a JPEG-LS image", "convert it to TIFF or PNG"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image", "convert it to TIFF or PNG"),
        (b"\0\0\0\x18ftypisom", "a film", "save its frames as PNG"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "a Git LFS pointer to a file that was not fetched",
         "run git lfs pull"),
    ],
    ids=["gzip", "xz", "npz", "zip", "tar", "HDF5", "NIfTI", "FITS", "JPEG-LS", "JPEG XL", "film", "Git LFS"],
)  # fmt: skip
def test_what_is_no_image_that_is_read_has_a_name_and_a_remedy(content, name, remedy):
    found = other_content(content)
    assert found is not None
    assert (found.name, found.remedy) == (name, remedy)


ELEMENTS = {
    "implicit": b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100" + b"\x08\0\x08\0\x02\0\0\0OR" + b"\x08\0\x16\0\x02\0\0\x001 ",
    "explicit": b"\x08\0\x05\0CS\x0a\0ISO_IR 100" + b"\x08\0\x08\0CS\x02\0OR" + b"\x08\0\x16\0UI\x02\x001\0",
    "with its file's own": b"\x02\0\0\0UL\4\0\x10\0\0\0"
    + b"\x02\0\1\0OB\0\0\2\0\0\0\0\1"
    + b"\x02\0\x10\0UI\x02\x001\0",
    "big-endian": b"\0\x08\0\x05CS\0\x0aISO_IR 100" + b"\0\x08\0\x08CS\0\x02OR" + b"\0\x08\0\x16UI\0\x021\0",
}


@pytest.mark.parametrize("encoding", ELEMENTS)
def test_a_dicom_without_its_preamble_is_known_by_its_first_elements(encoding):
    assert image_kind(ELEMENTS[encoding] + bytes(100)) == "DICOM"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x08\0", bytes(512), b"\x08\0\x05\0" + bytes(100), b"\x08\0\x05\0\xff\xff\xff\xff" + bytes(100),
        b"\x02\0" * 200, b"\x08\0" * 200, b"hello, this is a text\n" * 9, b"<!DOCTYPE html><html>", b"\xff" * 200,
    ],
    ids=["empty", "two bytes", "zeros", "one element", "a length beyond the file", "twos", "eights", "text",
         "a web page", "ones"],
)  # fmt: skip
def test_what_is_not_known_has_no_name(content):
    assert image_kind(content) == ""
    assert other_content(content) is None


def test_brands_that_two_kinds_may_claim_are_told_apart_by_those_they_are_compatible_with():
    assert image_kind(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif") == "AVIF"
    assert image_kind(b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic") == "HEIC"


def test_one_image_given_as_an_archive_is_called_so_and_what_is_wanted_passes(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError, match=r"a\.h5 is one PNG image, not an HDF5 file — give --data folder:FOLDER"):
        refuse_other(tmp_path / "a.h5", "an HDF5 file")
    (tmp_path / "b.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    refuse_other(tmp_path / "b.h5", "an HDF5 file")
    refuse_other(tmp_path / "missing.h5", "an HDF5 file")  # whoever opens it says so
