"""Shards as archivers write them: what of their members is an image or a label, and what is said of the rest."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError
from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data import open_data
from simclr_tui.train.data.images import Data

IMAGES = np.random.default_rng(7).integers(0, 256, (8, 8, 8, 3), np.uint8)


def opened(folder: Path, data: str) -> Data:
    return open_data(data, image_size=8, subset=0, progress=lambda *_: None, cache=folder / "cache", reading=Reading())


def shard(file: Path, *, name: str = "{}", links: bool = False, labels: tuple[bytes, bytes] = (b"0", b"1")) -> None:
    """Write the images, each with its label, by turns, in a file beside it; `name` is the form of a member's name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as tar:
        for number, image in enumerate(IMAGES):
            content = io.BytesIO()
            Image.fromarray(image).save(content, "PNG")
            for suffix, found in (("png", content.getvalue()), ("cls", labels[number % 2])):
                member = tarfile.TarInfo(name.format(f"{number:03}.{suffix}"))
                member.size = len(found)
                tar.addfile(member, io.BytesIO(found))
        for kind, linked in ((tarfile.SYMTYPE, "soft.png"), (tarfile.LNKTYPE, "hard.png")) if links else ():
            member = tarfile.TarInfo(linked)
            member.type, member.linkname = kind, "000.png"
            tar.addfile(member)


@pytest.mark.parametrize("name", ["./{}", "/{}", "{}", "a b/ü😀/{}", "d" * 150 + "/{}"])
def test_members_are_found_however_their_names_are_written(tmp_path, name):
    shard(tmp_path / "d.tar", name=name)
    data = opened(tmp_path, f"tar:{tmp_path}/d.tar")
    assert data.classes == ("0", "1")
    assert len(data.train) + len(data.test or ()) == len(IMAGES)


def test_labels_are_found_in_upper_case_as_images_are(tmp_path):
    shard(tmp_path / "d.tar")
    content = (tmp_path / "d.tar").read_bytes()
    with tarfile.open(tmp_path / "upper.tar", "w") as upper, tarfile.open(tmp_path / "d.tar") as lower:
        for member in lower:
            held = io.BytesIO(content[member.offset_data : member.offset_data + member.size])
            member.name = member.name.upper()
            upper.addfile(member, held)
    assert opened(tmp_path, f"tar:{tmp_path}/upper.tar").classes == ("0", "1")


def test_links_in_an_archive_are_left_out_and_named(tmp_path):
    shard(tmp_path / "d.tar", links=True)
    left_out = opened(tmp_path, f"tar:{tmp_path}/d.tar").left_out
    assert left_out == ("left out: 2 links, which are not followed in archives (soft.png, hard.png)",)


def test_a_shard_that_is_cut_off_anywhere_is_refused(tmp_path):
    shard(tmp_path / "d.tar")
    content = (tmp_path / "d.tar").read_bytes()
    with tarfile.open(tmp_path / "d.tar") as tar:
        last = tar.getmembers()[-1]
    end = last.offset_data + 512 * -(-last.size // 512)
    for cut in (*range(600, end, 256), last.offset, end):
        (tmp_path / "cut.tar").write_bytes(content[:cut])
        with pytest.raises(DataError, match=r"cannot be read as a tar file: .* — fetch it again: it is cut off or dam"):
            opened(tmp_path, f"tar:{tmp_path}/cut.tar")
    (tmp_path / "short.tar").write_bytes(content[: end + 512])  # as some write it, with one block of the mark alone
    assert opened(tmp_path, f"tar:{tmp_path}/short.tar").classes == ("0", "1")


def test_a_shard_with_a_damaged_header_is_refused(tmp_path):
    shard(tmp_path / "d.tar")
    content = bytearray((tmp_path / "d.tar").read_bytes())
    with tarfile.open(tmp_path / "d.tar") as tar:
        content[tar.getmembers()[6].offset] ^= 255
    (tmp_path / "d.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"the header of a file in it is damaged — fetch it again"):
        opened(tmp_path, f"tar:{tmp_path}/d.tar")


@pytest.mark.parametrize("withheld", [(b"-1", b"-1"), (b"", b"nan")])
def test_of_shards_those_of_a_test_split_whose_labels_are_withheld_are_passed_over(tmp_path, withheld):
    for split, labels in (("train", (b"0", b"1")), ("test", withheld), ("val", (b"0", b"1"))):
        shard(tmp_path / "set" / f"{split}-0.tar", labels=labels)
    data = opened(tmp_path, f"tar:{tmp_path}/set/*.tar")
    assert data.test is not None
    assert {name.partition("/")[0] for name in data.test.names} == {"val-0"}
    assert (len(data.train), data.validation) == (len(IMAGES), None)
    assert data.left_out == (f"left out: {len(IMAGES)} images of the shards called test",)


def test_the_class_0_of_json_is_a_label(tmp_path):
    for split in ("train", "test"):
        (tmp_path / "set").mkdir(exist_ok=True)
        with tarfile.open(tmp_path / "set" / f"{split}-0.tar", "w") as tar:
            for number, image in enumerate(IMAGES):
                content = io.BytesIO()
                Image.fromarray(image).save(content, "PNG")
                label = json.dumps({"label": number % 2 if split == "train" else 0}).encode()
                for suffix, found in (("png", content.getvalue()), ("json", label)):
                    member = tarfile.TarInfo(f"{number:03}.{suffix}")
                    member.size = len(found)
                    tar.addfile(member, io.BytesIO(found))
    data = opened(tmp_path, f"tar:{tmp_path}/set/*.tar")
    assert data.test is not None
    assert {name.partition("/")[0] for name in data.test.names} == {"test-0"}


@pytest.mark.parametrize("pattern", ["", "/*.tar", "/{0..1}.tar", "/**/*.tar"])
def test_shards_are_found_in_a_folder_whose_name_has_brackets(tmp_path, pattern):
    for number in range(2):
        shard(tmp_path / "set [x]" / f"{number}.tar")
    data = opened(tmp_path, f"tar:{tmp_path}/set [x]{pattern}")
    assert len(data.train) + len(data.test or ()) == 2 * len(IMAGES)


def test_an_archive_without_images_says_what_it_holds(tmp_path):
    shard(tmp_path / "d.tar", name="{}.svs")
    with pytest.raises(DataError, match=r"holds no images; left out: 16 files of other kinds \(000\.png\.svs, "):
        opened(tmp_path, f"tar:{tmp_path}/d.tar")


def test_a_label_is_read_without_what_an_editor_puts_around_it(tmp_path):
    shard(tmp_path / "d.tar", labels=(b"\xef\xbb\xbfdog\r\n", b" cat\n"))
    assert opened(tmp_path, f"tar:{tmp_path}/d.tar").classes == ("cat", "dog")


def test_labels_with_a_fraction_are_refused_and_empty_ones_are_none(tmp_path):
    shard(tmp_path / "d.tar", labels=(b"1.5", b"2"))
    with pytest.raises(DataError, match=r"measurements, not classes \(4 of 8 labels: 1\.5\) — give whole numbers"):
        opened(tmp_path, f"tar:{tmp_path}/d.tar")
    shard(tmp_path / "e.tar", labels=(b"", b"\n"))
    data = opened(tmp_path, f"tar:{tmp_path}/e.tar")
    assert (data.classes, data.layout) == ((), ("no labels",))
    shard(tmp_path / "f.tar", labels=(b"1.0", b"v1.5"))
    assert opened(tmp_path, f"tar:{tmp_path}/f.tar").classes == ("1.0", "v1.5")


@pytest.mark.parametrize("suffix", ["tar.gz", "tgz", "tar.bz2", "tar.xz"])
def test_a_compressed_archive_is_to_be_unpacked_first(tmp_path, suffix):
    shard(tmp_path / "d.tar")
    compression = suffix.rpartition(".")[2].replace("tgz", "gz")
    with tarfile.open(tmp_path / f"d.{suffix}", f"w:{compression}") as packed:
        packed.add(tmp_path / "d.tar", "d.tar")
    with pytest.raises(DataError, match=rf"d\.{suffix} cannot be read as a tar file: .* — unpack its"):
        opened(tmp_path, f"tar:{tmp_path}/d.{suffix}")
