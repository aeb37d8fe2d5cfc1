"""Images of arrays, tables, shards and functions give the pixels and labels that were put into them."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError
from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data import Data, open_data
from simclr_tui.train.data.facts import fingerprint
from simclr_tui.train.data.inspect import inspect_data

RNG = np.random.default_rng(4)
IMAGES = RNG.integers(0, 256, (30, 12, 12, 3), np.uint8)
LABELS = np.arange(30) % 3


def opened(data: str, tmp_path: Path, **reading: str) -> Data:
    return open_data(
        data, image_size=12, subset=0, progress=lambda *_: None, cache=tmp_path / "cache", reading=Reading(**reading)
    )


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def together(data: Data) -> dict[bytes, str]:
    """Every image's pixels, (H, W, C), and its class."""
    found = {}
    for split in (data.train, data.test):
        if split is not None:
            labels = split.labels if split.labels is not None else [-1] * len(split)
            for image, label in zip(split.images, labels, strict=True):
                name = data.classes[label] if label >= 0 else ""
                found[np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes()] = name
    return found


EXPECTED = {image.tobytes(): str(label) for image, label in zip(IMAGES, LABELS, strict=True)}


def npz(folder: Path) -> str:
    np.savez(folder / "d.npz", images=IMAGES, labels=LABELS)
    return f"npz:{folder / 'd.npz'}"


def npz_split(folder: Path) -> str:
    np.savez(folder / "d.npz", x_train=IMAGES[:20], y_train=LABELS[:20, None], x_test=IMAGES[20:], y_test=LABELS[20:])
    return f"npz:{folder / 'd.npz'}"


def npy(folder: Path) -> str:
    np.save(folder / "d.npy", IMAGES.transpose(0, 3, 1, 2))
    np.save(folder / "d_labels.npy", LABELS)
    return f"npy:{folder / 'd.npy'}"


def h5(folder: Path) -> str:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "d.h5", "w") as file:
        file["scans/pictures"], file["scans/labels"], file["other"] = IMAGES, LABELS, np.zeros((2, 3, 4))
    return f"h5:{folder / 'd.h5'}:scans/pictures"


def csv(folder: Path) -> str:
    rows = ["path,label,split,group"]
    for i, image in enumerate(IMAGES):
        (folder / f"{i}.png").write_bytes(png(image))
        rows.append(f"{i}.png,{LABELS[i]},,")
    (folder / "d.csv").write_text("\n".join(rows))
    return f"csv:{folder / 'd.csv'}"


def tar(folder: Path) -> str:
    for shard in range(2):
        with tarfile.open(folder / f"s-{shard:03}.tar", "w") as file:
            for i in range(shard * 15, shard * 15 + 15):
                label = (
                    (".cls", str(LABELS[i]).encode())
                    if shard
                    else (".json", json.dumps({"label": int(LABELS[i])}).encode())
                )
                for suffix, content in ((".png", png(IMAGES[i])), label, (".txt", b"words")):
                    member = tarfile.TarInfo(f"a/{i:04}{suffix}")
                    member.size = len(content)
                    file.addfile(member, io.BytesIO(content))
    return f"tar:{folder}/s-{{000..001}}.tar"


def parquet(folder: Path) -> str:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"image": [{"bytes": png(image), "path": None} for image in IMAGES], "label": LABELS})
    pq.write_table(table, folder / "train-0.parquet", row_group_size=7)
    return f"parquet:{folder / '*.parquet'}"


def grouped_parquet(folder: Path, patients: list[str | None]) -> str:
    """Two files, of which the one for testing repeats the first two patients of the other."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for split, whose in (("train", patients), ("test", patients[:2])):
        table = {"image": list(map(png, IMAGES[: len(whose)])), "label": LABELS[: len(whose)], "patient": whose}
        pq.write_table(pa.table(table), folder / f"{split}-0.parquet")
    return f"parquet:{folder / '*.parquet'}"


def function(folder: Path) -> str:
    np.savez(folder / "kept.npz", a=IMAGES, b=LABELS)
    (folder / "mine.py").write_text(
        "import numpy as np, pathlib\n\ndef load():\n"
        "    kept = np.load(pathlib.Path(__file__).with_name('kept.npz'))\n    return kept['a'], kept['b']\n"
    )
    return f"py:{folder / 'mine.py'}:load"


def hub(folder: Path) -> str:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["0", "1", "2"])})
    rows = {"image": [{"bytes": png(image), "path": None} for image in IMAGES], "label": LABELS.tolist()}
    (folder / "set").mkdir(exist_ok=True)
    datasets.Dataset.from_dict(rows, features=features).to_parquet(str(folder / "set" / "train.parquet"))
    return f"hf:{folder / 'set'}"


@pytest.mark.parametrize("make", [npz, npz_split, npy, h5, csv, tar, parquet, function, hub])
def test_every_source_gives_the_images_and_labels_put_into_it(tmp_path, monkeypatch, make):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    data = opened(make(tmp_path), tmp_path)
    assert data.classes == ("0", "1", "2")
    assert together(data) == EXPECTED
    assert data.test is not None
    if make is npz_split:
        assert len(data.test) == 10


@pytest.mark.parametrize("make", [npz, npz_split, npy, h5, csv, tar, parquet, function, hub])
def test_every_source_is_looked_at_as_it_is_read(tmp_path, monkeypatch, make):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    spec = make(tmp_path)
    report, data = inspect_data(spec, Reading(), lambda *_: None), opened(spec, tmp_path)
    assert data.test is not None
    assert (report.images, report.test_images) == (len(data.train), len(data.test))
    counts = {name: int((data.train.labels == number).sum()) for number, name in enumerate(data.classes)}
    assert report.classes == counts
    assert (report.refused, report.damaged_count) == ("", 0)


@pytest.mark.parametrize("make", [npz, h5, csv, tar, parquet, function])
def test_every_source_is_read_image_by_image_too(tmp_path, monkeypatch, make):
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    data = opened(make(tmp_path), tmp_path, labels="none")
    assert data.test is None
    assert {image.transpose(1, 2, 0).tobytes() for image in data.train.images[:]} == set(EXPECTED)
    data.train.images.decoders.close()


def rows(sep: str, written: str, head: str = "path,label") -> str:
    names = (written.format(i) for i in range(30))
    return "\n".join([head.replace(",", sep), *(f"{name}{sep}{LABELS[i]}" for i, name in enumerate(names))])


@pytest.mark.parametrize(
    "text",
    [
        lambda f: "\ufeff" + rows(";", "{}.png").replace("\n", "\r\n"),
        lambda f: rows("\t", "./{}.png", "Image,Class"),
        lambda f: rows("|", str(f) + "/{}.png"),
        lambda f: rows(",", "{}.png") + f"\n./0.png,0\n{f}/1.png,1",
        lambda f: "\n".join(f"{at - 1 if at else ''},{row}" for at, row in enumerate(rows(",", "{}.png").split("\n"))),
    ],
    ids=["as Excel saves it", "tabs", "absolute paths", "one image under two spellings", "with numbered rows"],
)
def test_a_table_is_read_however_it_is_written_and_holds_out_the_same_images(tmp_path, text):
    csv(tmp_path)
    (tmp_path / "e.csv").write_text(text(tmp_path.absolute()))
    usual, data = (opened(f"csv:{tmp_path / name}.csv", tmp_path) for name in "de")
    assert together(data) == EXPECTED
    assert (data.train.names, data.test.names) == (usual.train.names, usual.test.names)


def test_paths_with_backslashes_and_of_the_home_folder_are_found(tmp_path, monkeypatch):
    csv(tmp_path)
    (tmp_path / "in").mkdir()
    for number in range(30):
        (tmp_path / f"{number}.png").rename(tmp_path / "in" / f"{number}.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    for written in ("in\\{}.png", "~/in/{}.png"):
        (tmp_path / "e.csv").write_text(rows(",", written))
        assert together(opened(f"csv:{tmp_path / 'e.csv'}", tmp_path)) == EXPECTED


def test_groups_of_an_hdf5_file_called_after_splits_are_these(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for split, part in (("train", slice(20)), ("test", slice(20, 30))):
            file[f"{split}/images"], file[f"{split}/labels"] = IMAGES[part], LABELS[part]
    data = opened(f"h5:{tmp_path / 'd.h5'}", tmp_path)
    assert together(data) == EXPECTED
    assert len(data.test) == 10


def archive(file: Path, content: dict[str, bytes]) -> str:
    with tarfile.open(file, "w") as tar:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return f"tar:{file}"


def test_what_macos_adds_to_an_archive_is_left_out_and_its_folders_are_classes_where_asked(tmp_path):
    images = {f"set/{LABELS[i]}/{i}.png": png(image) for i, image in enumerate(IMAGES)}
    mac = {"set/0/._0.png": b"\0\5\26\7", "__MACOSX/set/0/._0.png": b"\0\5\26\7"}
    data = opened(archive(tmp_path / "d.tar", images | mac), tmp_path)
    assert data.layout == ("no labels, no .cls or .json; --labels folder makes 3 folders classes",)
    assert len(data.train) == 30
    assert "2 files created by the system (set/0/._0.png" in data.left_out[0]
    assert together(opened(f"tar:{tmp_path / 'd.tar'}", tmp_path, labels="folder")) == EXPECTED


def test_a_mask_beside_an_image_of_its_key_is_no_image_and_of_two_of_one_name_the_later_is_read(tmp_path):
    content = {f"{i:02}.{kind}": png(image) for i, image in enumerate(IMAGES) for kind in ("png", "seg.png")}
    content |= {f"{i:02}.cls": str(label).encode() for i, label in enumerate(LABELS)}
    data = opened(archive(tmp_path / "d.tar", content), tmp_path)
    assert together(data) == EXPECTED
    assert "30 images beside another of the same key (d/00.seg.png" in data.left_out[0]
    replaced = png(IMAGES[0][::-1])
    with tarfile.open(tmp_path / "d.tar", "a") as file:
        member = tarfile.TarInfo("00.png")
        member.size = len(replaced)
        file.addfile(member, io.BytesIO(replaced))
    again = opened(f"tar:{tmp_path / 'd.tar'}", tmp_path)
    assert IMAGES[0][::-1].tobytes() in together(again)
    assert IMAGES[0].tobytes() not in together(again)
    assert "1 image that a later one of the same name replaces" in "; ".join(again.left_out)


@pytest.mark.parametrize("make", [csv, npz, tar])
def test_one_class_for_all_is_none_and_said(tmp_path, monkeypatch, make):
    monkeypatch.setitem(globals(), "LABELS", np.zeros(30, int))
    data = opened(make(tmp_path), tmp_path)
    assert (data.classes, data.test, len(data.train)) == ((), None, 30)
    assert any("which tells nothing apart: trained without labels" in note for note in data.layout)


@pytest.mark.parametrize(("shape", "channels"), [((8, 8, 13), 13), ((13, 8, 8), 13), ((9, 7, 3), 3), ((3, 9, 7), 3)])
def test_the_channels_of_an_array_are_the_axis_that_is_not_the_square_else_the_short_one(tmp_path, shape, channels):
    images = RNG.integers(0, 256, (4, *shape), np.uint8)
    np.save(tmp_path / "d.npy", images)
    assert opened(f"npy:{tmp_path / 'd.npy'}", tmp_path).channels == channels


def csv_of_groups(folder: Path, column: str, groups: list[str]) -> str:
    csv(folder)
    rows = [f"path,label,{column}"] + [f"{i}.png,{LABELS[i]},{group}" for i, group in enumerate(groups)]
    (folder / "d.csv").write_text("\n".join(rows))
    return f"csv:{folder / 'd.csv'}"


def parquet_of_groups(folder: Path, column: str, groups: list[str]) -> str:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"image": list(map(png, IMAGES)), "label": LABELS, column: groups}), folder / "d.parquet")
    return f"parquet:{folder / 'd.parquet'}"


@pytest.mark.parametrize("make", [csv_of_groups, parquet_of_groups], ids=["csv", "parquet"])
@pytest.mark.parametrize(
    "column", ["group", "patient", "patient_id", "subject", "slide", "slide_id", "video", "plate", "well", "Patient"]
)
def test_a_group_is_whole_on_one_side_and_an_unknown_one_is_none(tmp_path, make, column):
    groups = [f"p{number // 3}" for number in range(24)] + ["-1", "nan", "NaN", "na", "NA", "None"]
    data = opened(make(tmp_path, column, groups), tmp_path)
    sides = [set(split.groups) - {""} for split in (data.train, data.test)]
    assert sides[0] | sides[1] == {f"p{number}" for number in range(8)}
    assert not sides[0] & sides[1]
    assert sides[1]
    assert (*data.train.groups, *data.test.groups).count("") == 6


@pytest.mark.parametrize("make", [csv, npy], ids=["csv", "npy"])
def test_labels_that_were_corrected_since_the_images_were_decoded_are_those_that_count(tmp_path, monkeypatch, make):
    """The images are cached, and their files are as before: only the table or the array of labels is not."""
    data = make(tmp_path)
    assert together(opened(data, tmp_path)) == EXPECTED
    corrected = (LABELS + 1) % 3 + 5 * (LABELS == 1)
    monkeypatch.setitem(globals(), "LABELS", corrected)
    make(tmp_path)
    now = opened(data, tmp_path)
    assert together(now) == {image.tobytes(): str(label) for image, label in zip(IMAGES, corrected, strict=True)}
    assert now.train.labels.tolist() == now.train.listed.tolist()


def other_arrays(folder: Path) -> None:
    """Change what the function reads, and not its file."""
    np.savez(folder / "kept.npz", a=IMAGES, b=LABELS)


@pytest.mark.parametrize(("make", "change"), [(function, other_arrays), (hub, hub)], ids=["py", "hf"])
def test_images_that_changed_behind_a_function_or_a_name_of_the_hub_are_read_again(tmp_path, monkeypatch, make, change):
    """As many images with the same labels: were these answered from the cache, old pixels would have new labels."""
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    data = make(tmp_path)
    assert together(opened(data, tmp_path)) == together(opened(data, tmp_path)) == EXPECTED
    before = fingerprint(opened(data, tmp_path))
    assert len([path for path in (tmp_path / "cache").iterdir() if path.is_dir()]) == 1
    monkeypatch.setitem(globals(), "IMAGES", 255 - IMAGES[::-1])
    change(tmp_path)
    now = opened(data, tmp_path)
    assert together(now) == {image.tobytes(): str(label) for image, label in zip(IMAGES, LABELS, strict=True)}
    assert fingerprint(now) != before or make is hub  # the files of which may be as large as before


def test_a_function_that_shuffles_its_images_gives_each_its_own_label_every_time_or_is_refused(tmp_path, monkeypatch):
    np.savez(tmp_path / "kept.npz", a=IMAGES, b=LABELS)
    data = code(
        tmp_path,
        "import numpy as np, pathlib\n\ndef load():\n"
        "    kept, order = np.load(pathlib.Path(__file__).with_name('kept.npz')), np.random.permutation(24)\n"
        "    x, y = kept['a'], kept['b']\n"
        "    return {'x_train': x[order], 'y_train': y[order], 'x_test': x[24:], 'y_test': y[24:]}\n",
    )
    for _ in range(3):
        assert together(opened(data, tmp_path)) == EXPECTED
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    undecoded = opened(data, tmp_path)
    with pytest.raises(DataError, match=r"mine\.py:load gives other images each time it is called — fix the seed"):
        undecoded.train.images[:]
    undecoded.train.images.decoders.close()


def test_images_of_a_table_whose_group_is_unknown_are_in_no_common_one(tmp_path):
    assert opened(grouped_parquet(tmp_path, [None, None, "p3"]), tmp_path).train.groups == ("", "", "p3")


def test_tiles_cover_the_images_and_go_to_one_side_together(tmp_path):
    for i in range(20):
        file = tmp_path / "slides" / "ab"[i % 2] / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (20, 30, 3), np.uint8)).save(file)
    data = opened(f"folder:{tmp_path / 'slides'}", tmp_path, tile="10")
    assert len(data.train) + len(data.test) == 20 * 6
    assert data.train.images.shape[1:] == (3, 10, 10)
    whole = np.asarray(Image.open(tmp_path / "slides" / data.train.names[7].partition("@")[0]))
    row, column = map(int, data.train.names[7].partition("@")[2].split(","))
    assert np.array_equal(data.train.images[7].transpose(1, 2, 0), whole[row : row + 10, column : column + 10])
    assert not {name.partition("@")[0] for name in data.train.names} & {n.partition("@")[0] for n in data.test.names}
    assert len(opened(f"folder:{tmp_path / 'slides'}", tmp_path, tile="10:5", labels="none").train) == 20 * 15
    with pytest.raises(DataError, match="no image is as large as a tile of 64 px"):
        opened(f"folder:{tmp_path / 'slides'}", tmp_path, tile="64")


def test_what_no_tile_covers_is_said(tmp_path):
    for name, size in {"whole": (20, 30), "wide": (20, 35), "high": (25, 30), "small": (9, 30)}.items():
        Image.fromarray(RNG.integers(0, 256, (*size, 3), np.uint8)).save(tmp_path / f"{name}.png")
    data = opened(f"folder:{tmp_path}", tmp_path, tile="10")
    assert {name.partition("@")[0] for name in data.train.names} == {"whole.png", "wide.png", "high.png"}
    assert set(data.left_out) == {
        "left out: 2 margins beyond the last whole tile (high.png, wide.png)",
        "left out: 1 image smaller than a tile of 10 px (small.png)",
    }


def test_tiles_of_an_image_without_a_group_go_to_one_side_together_where_others_have_one(tmp_path):
    groups = ["p1" if number in (4, 11, 23) else "" for number in range(30)]
    data = opened(csv_of_groups(tmp_path, "patient", groups), tmp_path, tile="4")
    sides = [{int(name.partition(".")[0]) for name in split.names} for split in (data.train, data.test)]
    assert sides[0] | sides[1] == set(range(30))
    assert not sides[0] & sides[1]
    assert len(data.train) + len(data.test) == 30 * 9
    assert any({4, 11, 23} <= side for side in sides)


def shards(folder: Path, *names: str) -> None:
    """Write ten labelled images into each tar file."""
    for at, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(folder / name, "w") as file:
            for i in range(10 * at, 10 * at + 10):
                for suffix, content in ((".png", png(IMAGES[i])), (".cls", str(LABELS[i]).encode())):
                    member = tarfile.TarInfo(f"{i % 10:02}{suffix}")
                    member.size = len(content)
                    file.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (("set-train-000.tar", "set-train-001.tar", "set-val-000.tar"), "*.tar"),
        (("train/000.tar", "train/001.tar", "val/000.tar"), "*/*.tar"),
        (("train-000.tar", "train-001.tar", "Test_000.tar"), "{train-{000..001},Test_000}.tar"),
        (("000.tar", "001.tar", "dev-000.tar"), "*.tar"),
    ],
)
def test_shards_called_after_a_split_are_that_split(tmp_path, names, pattern):
    shards(tmp_path / "set", *names)
    data = opened(f"tar:{tmp_path}/set/{pattern}", tmp_path)
    assert (len(data.train), len(data.test)) == (20, 10)
    assert [image.transpose(1, 2, 0).tobytes() for image in data.test.images] == [i.tobytes() for i in IMAGES[20:]]
    assert data.test.labels.tolist() == LABELS[20:].tolist()


def test_shards_of_a_second_test_split_are_left_out_and_said_and_shards_of_one_name_are_all_there_is(tmp_path):
    shards(tmp_path / "set", "train-0.tar", "testing-0.tar", "test-0.tar")
    data = opened(f"tar:{tmp_path}/set/*.tar", tmp_path)
    assert (len(data.train), len(data.test)) == (10, 10)
    assert {name.partition("/")[0] for name in data.test.names} == {"test-0"}
    assert data.left_out == ("left out: 10 images of the shards called testing",)
    alone = opened(f"tar:{tmp_path}/set/testing-*.tar", tmp_path)
    assert len(alone.train) + len(alone.test) == 10


def broken_csv(folder: Path, text: str) -> str:
    csv(folder)
    (folder / "d.csv").write_text(text)
    return f"csv:{folder / 'd.csv'}"


def cut_tar(folder: Path) -> str:
    tar(folder)
    file = folder / "s-001.tar"
    file.write_bytes(file.read_bytes()[:9000])
    return f"tar:{folder}/*.tar"


def two_bad_shards(folder: Path) -> str:
    cut = cut_tar(folder)
    pictures = {f"{n}.{kind}": png(IMAGES[0]) if kind == "png" else b"{" for n in (1, 2) for kind in ("png", "json")}
    archive(folder / "s-000.tar", pictures)
    return cut


def code(folder: Path, text: str) -> str:
    (folder / "mine.py").write_text(text)
    return f"py:{folder / 'mine.py'}:load"


def saved(folder: Path, **arrays: np.ndarray) -> str:
    np.savez(folder / "d.npz", **arrays)
    return f"npz:{folder / 'd.npz'}"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: broken_csv(f, "path,label\n0.png,a\nnowhere.png,b"), r"d.csv lists files that do not exist: 1 of 2 \(nowhere.png\)"),  # noqa: E501
        (lambda f: broken_csv(f, "path,label\n0.png,a\n0.png,b"), "d.csv, row 3: 0.png was already listed with other values — keep one row"),  # noqa: E501
        (lambda f: broken_csv(f, "path,label\n0.png,1.5\n1.png,2.25"), r"the label column holds measurements \(1.5"),
        (lambda f: broken_csv(f, "file,label\n,1"), "row 2: no path"),
        (lambda f: broken_csv(f, "picture,label\n0.png,1"), "no column `path`"),
        (lambda f: broken_csv(f, "path,label,split\n0.png,1,often"), "0.png has the unknown split 'often'"),
        (lambda f: broken_csv(f, "path,label,split,group\n0.png,a,train,p1\n1.png,b,test,p1"), r"1 group is in both training and test \(p1\)"),  # noqa: E501
        (lambda f: grouped_parquet(f, ["p1", "p2", "p3"]), r"2 groups are in both training and test \(p1, p2\)"),
        (lambda f: h5(f).replace("pictures", "nothing"), "has no array 'scans/nothing' — those of images are .*scans/pictures"),  # noqa: E501
        (lambda f: h5(f).rpartition(":")[0], "has 2 arrays of images .* — give h5:FILE:KEY"),
        (cut_tar, "s-001.tar cannot be read as a tar file: .* — fetch it again"),
        (lambda f: f"tar:{f}/none-*.tar", "no file matches"),
        (lambda f: saved(f, pictures=IMAGES), "has no images: it holds pictures — call them images and labels"),
        (lambda f: saved(f, images=IMAGES, labels=LABELS[:7]), "30 train images and 7 labels"),
        (lambda f: saved(f, images=IMAGES, labels=LABELS / 7), "the labels are measurements"),
        (lambda f: saved(f, images=IMAGES[0, 0]), r"the train images have shape \(12, 3\)"),
        (lambda f: saved(f, images=np.full((4, 8, 8), np.nan)), r"train/0000000 holds NaN or infinity \(64 of .*\) \(and 3 more: train/0000001, train/0000002, …\)"),  # noqa: E501
        (lambda f: saved(f, images=np.array([[[np.nan, 1.0], [2.0, 3.0]]])), r"holds NaN or infinity \(1 of its values\)"),  # noqa: E501
        (lambda f: code(f, "def load():\n    raise ValueError('no luck')"), "failed: ValueError: no luck"),
        (lambda f: code(f, "import nothing_like_it"), "cannot be imported: ModuleNotFoundError"),
        (lambda f: code(f, "x = 1"), "has no function load"),
        (lambda f: saved(f, images=np.zeros((24, 24, 3))), r"shape \(24, 24, 3\): one image of 3 channels, or 24 of 24 × 3"),  # noqa: E501
        (lambda f: broken_csv(f, "0.png,a\n1.png,b"), "no names of columns: its first row is an image's — put a row above"),  # noqa: E501
        (lambda f: broken_csv(f, "path,label,fold\n0.png,a,3"), "unknown split '3' — .*; rename a column"),
        (lambda f: archive(f / "d.tar", {"0.png": png(IMAGES[0]), "0.json": b"{"}), "0.json in .*d.tar is no JSON: .* — correct it"),  # noqa: E501
        (two_bad_shards, r"is refused for 2 reasons: 1.json in .* is no JSON: .*\(and 1 more: 2.json in .*0.tar\) — correct it, or leave it out; .*s-001.tar cannot be read as a tar file"),  # noqa: E501
        (lambda f: saved(f, images=IMAGES, labels=LABELS[:7], x_test=IMAGES, y_test=LABELS[:3]), "is refused for 2 reasons: .*30 train images and 7 labels — .*; .*30 test images and 3 labels"),  # noqa: E501
        (lambda f: f"npy:{f}/none.npy", "none.npy does not exist or is not a file"),
        (lambda f: "h5:", "h5: needs a path"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_nothing_half_cached_is_left(tmp_path, make, words):
    with pytest.raises(DataError, match=words):
        opened(make(tmp_path), tmp_path)
    assert not list((tmp_path / "cache").glob("*.tmp")) if (tmp_path / "cache").exists() else True


@pytest.mark.parametrize("make", [npz, csv, tar])
def test_folders_are_no_classes_where_there_are_none(tmp_path, make):
    with pytest.raises(DataError, match=r"has no folders to take for classes|the images of one folder"):
        opened(make(tmp_path), tmp_path, labels="folder")


@pytest.mark.parametrize("text", ["import neighbour\n\ndef load():\n    return 0", "def load():\n    import neighbour"])
@pytest.mark.parametrize("entry", ["", "{}/here", "{}/here/", "{}/link"])
def test_a_function_is_imported_and_called_without_the_current_folder(tmp_path, monkeypatch, text, entry):
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to("here")
    (tmp_path / "here" / "neighbour.py").write_text("")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("sys.path", [entry.format(tmp_path), *sys.path])
    with pytest.raises(DataError, match="No module named 'neighbour'"):
        opened(code(tmp_path, text), tmp_path)
    assert sys.path[0] == entry.format(tmp_path)


def test_a_file_with_a_dataclass_and_postponed_annotations_can_be_imported(tmp_path):
    data = code(
        tmp_path,
        "from __future__ import annotations\nimport dataclasses, numpy as np, pickle\n\n"
        "@dataclasses.dataclass\nclass Size:\n    side: int\n\ndef load():\n"
        "    size = pickle.loads(pickle.dumps(Size(8)))\n"
        "    return np.arange(5 * size.side**2, dtype=np.uint8).reshape(5, size.side, size.side)\n",
    )
    assert opened(data, tmp_path).train.images.shape == (5, 1, 8, 8)


def test_a_file_that_fails_to_be_imported_leaves_no_half_of_it_behind(tmp_path):
    before = set(sys.modules)
    with pytest.raises(DataError, match="cannot be imported: ZeroDivisionError"):
        opened(code(tmp_path, "half = 1\n1 / 0"), tmp_path)
    assert not [name for name in set(sys.modules) - before if hasattr(sys.modules[name], "half")]
