"""Parquet files and data sets of the hub as people keep them: which rows train, which test, and what is refused."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError, ExitCode
from simclr_tui.recipe.data_sources import SOURCES, DataSource
from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data import open_data
from simclr_tui.train.data.facts import fingerprint
from simclr_tui.train.data.images import Data
from simclr_tui.train.data.sources.hub import hub_answers

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
RNG = np.random.default_rng(5)
IMAGES = RNG.integers(0, 256, (20, 8, 8, 3), np.uint8)
LABELS = [number % 2 for number in range(20)]


def encoded(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


ENCODED = [encoded(image) for image in IMAGES]


def write(file: Path, count: int = 20, metadata: dict[bytes, bytes] | None = None, **columns: list[Any]) -> None:
    """Write the first `count` images as a Parquet file of several row groups, beside other columns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"image": ENCODED[:count]} | {name: values[:count] for name, values in columns.items()})
    pq.write_table(table.replace_schema_metadata(metadata), file, row_group_size=6)


def opened(folder: Path, pattern: str = "*.parquet", **reading: str) -> Data:
    return open_data(
        f"parquet:{folder / pattern}", image_size=8, subset=0, progress=lambda *_: None, cache=folder / "cache",
        reading=Reading(**reading),
    )  # fmt: skip


def numbers(images: Any) -> list[int]:
    """Return which of IMAGES these are."""
    known = {image.tobytes(): number for number, image in enumerate(IMAGES)}
    return [known[np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes()] for image in images[:]]


def test_a_column_named_split_is_honoured(tmp_path):
    splits = ["train", "TEST", None, "val"] * 5
    write(tmp_path / "all.parquet", label=[0, 1, 1, 0] * 5, split=splits)
    data = opened(tmp_path)
    assert numbers(data.train.images) == [n for n in range(20) if n % 2 == 0]
    assert data.classes == ("0", "1")
    assert data.test is not None
    assert numbers(data.test.images) == list(range(1, 20, 4))
    assert data.validation is not None
    assert numbers(data.validation.images) == list(range(3, 20, 4))
    assert data.left_out == ()


@pytest.mark.parametrize("names", [("a_train.parquet", "a_test.parquet"), ("train/0.parquet", "test/0.parquet")])
def test_the_name_of_a_file_or_its_folder_says_its_split(tmp_path, names):
    for name, count in zip(names, (12, 8), strict=True):
        write(tmp_path / name, count, label=LABELS)
    data = opened(tmp_path, "**/*.parquet")
    assert (len(data.train), len(data.test or ())) == (12, 8)


def test_files_whose_name_says_no_split_are_left_out_beside_others_and_said(tmp_path):
    write(tmp_path / "train-0.parquet", label=LABELS)
    write(tmp_path / "extra.parquet", 7, label=LABELS)
    data = opened(tmp_path)
    assert len(data.train) + len(data.test or ()) == 20
    assert data.left_out == ("left out: 7 images of the split without a name",)


def test_a_folder_means_the_files_in_it(tmp_path):
    write(tmp_path / "some.parquet", label=LABELS)
    assert len(opened(tmp_path, "", labels="none").train) == 20


def features(**names: list[str]) -> dict[bytes, bytes]:
    found = {column: {"names": of, "_type": "ClassLabel"} for column, of in names.items()}
    return {b"huggingface": json.dumps({"info": {"features": found}}).encode()}


def of_the_hub(folder: Path) -> None:
    """Write splits as many data sets of the hub keep them: the labels of `test` are withheld, as -1."""
    metadata = features(source=["lab", "field"], label=["cat", "dog"])
    for split, labels in (("train", LABELS), ("test", [-1] * 20), ("validation", LABELS)):
        write(folder / f"{split}-0.parquet", metadata=metadata, label=labels, source=[0] * 20)


def test_a_test_split_without_labels_is_passed_over_and_classes_have_the_names_of_the_label_column(tmp_path):
    of_the_hub(tmp_path)
    data = opened(tmp_path)
    assert data.classes == ("cat", "dog")
    assert data.test is not None
    assert set(map(int, data.test.labels)) == {0, 1}
    assert data.layout == ("2 classes", "tested on validation")
    assert data.left_out == ("left out: 20 images of the split test",)


def test_labels_none_means_none_even_where_the_hub_names_classes(tmp_path):
    of_the_hub(tmp_path)
    data = opened(tmp_path, labels="none")
    assert (data.classes, data.test, data.train.labels) == ((), None, None)
    assert len(data.train) == 20


def test_classes_and_groups_of_a_data_set_of_the_hub(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    named = {"source": datasets.ClassLabel(names=["lab", "field"]), "label": datasets.ClassLabel(names=["cat", "dog"])}
    columns = {"source": [0] * 20, "label": LABELS, "patient": [f"p{n // 4}" for n in range(20)]}
    kinds = datasets.Features({"image": datasets.Image(), **named, "patient": datasets.Value("string")})
    rows = {"image": [{"bytes": content, "path": None} for content in ENCODED], **columns}
    (tmp_path / "set").mkdir()
    datasets.Dataset.from_dict(rows, features=kinds).to_parquet(str(tmp_path / "set" / "train.parquet"))
    data = open_data(
        f"hf:{tmp_path / 'set'}", image_size=8, subset=0, progress=lambda *_: None, cache=tmp_path / "cache",
        reading=Reading(),
    )  # fmt: skip
    assert data.classes == ("cat", "dog")
    assert data.test is not None
    assert set(data.train.groups) | set(data.test.groups) == {f"p{n}" for n in range(5)}
    assert not set(data.train.groups) & set(data.test.groups)


def unlike_shards(folder: Path) -> None:
    write(folder / "train-0.parquet", label=LABELS)
    write(folder / "train-1.parquet")


def table(folder: Path, **columns: list[Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / "d.parquet")


def of_paths(folder: Path) -> None:
    table(folder, image=[f"{n}.png" for n in range(20)], label=LABELS)


def of_paths_and_bytes(folder: Path) -> None:
    cells = [{"bytes": None if n % 3 == 0 else ENCODED[n], "path": f"{n}.png"} for n in range(20)]
    table(folder, image=cells, label=LABELS)


def of_paths_in_splits(folder: Path) -> None:
    splits = ["test" if n in (1, 2) else "train" for n in range(20)]
    table(folder, image=[f"{n}.png" for n in range(20)], label=LABELS, split=splits)


@pytest.mark.parametrize("make", [of_paths, of_paths_and_bytes, of_paths_in_splits])
@pytest.mark.parametrize("pattern", ["*.parquet", ""])
def test_a_file_that_a_cell_names_is_read_again_once_it_is_another(tmp_path, make, pattern):
    make(tmp_path / "tables")
    for number, content in enumerate(ENCODED):
        (tmp_path / "tables" / f"{number}.png").write_bytes(content)

    def pixels() -> set[bytes]:
        data = opened(tmp_path / "tables", pattern)
        assert data.test is not None
        images = [*data.train.images, *data.test.images]
        return {np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes() for image in images}

    assert pixels() == {image.tobytes() for image in IMAGES}
    other = 255 - IMAGES[3]
    (tmp_path / "tables" / "3.png").write_bytes(encoded(other))
    assert pixels() == {(other if n == 3 else image).tobytes() for n, image in enumerate(IMAGES)}


def test_a_file_that_a_data_set_of_the_hub_names_is_read_again_once_it_is_another(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    of_paths(tmp_path / "set")
    for number, content in enumerate(ENCODED):
        (tmp_path / "set" / f"{number}.png").write_bytes(content)

    def first() -> np.ndarray:
        data = open_data(
            f"hf:{tmp_path / 'set'}", image_size=8, subset=0, progress=lambda *_: None, cache=tmp_path / "cache",
            reading=Reading(labels="none"),
        )  # fmt: skip
        return np.asarray(data.train.images[0].transpose(1, 2, 0))

    assert np.array_equal(first(), IMAGES[0])
    (tmp_path / "set" / "0.png").write_bytes(encoded(255 - IMAGES[0]))
    assert np.array_equal(first(), 255 - IMAGES[0])


def test_the_fingerprint_tells_the_sizes_of_all_files(tmp_path):
    for number in range(2):
        write(tmp_path / f"train-{number}.parquet", label=LABELS)
    before = fingerprint(opened(tmp_path))
    assert fingerprint(opened(tmp_path)) == before
    black = [encoded(np.zeros((8, 8, 3), np.uint8))] * 20  # which takes less room
    pq.write_table(pa.table({"image": black, "label": LABELS}), tmp_path / "train-1.parquet")
    assert fingerprint(opened(tmp_path)) != before


def test_the_fingerprint_is_the_same_for_the_same_files_elsewhere(tmp_path):
    for number in range(2):
        write(tmp_path / "here" / f"train-{number}.parquet", label=LABELS)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert fingerprint(opened(tmp_path / "here")) == fingerprint(opened(tmp_path / "there"))


def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Data]:
    """Write a data set of two configurations, of 20 and of 12 images; returns what opens it without a network."""
    pytest.importorskip("datasets")
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    for name, count in (("small", 12), ("large", 20)):
        write(folder / "set" / name / "train.parquet", count, label=LABELS)
    configs = "".join(f"- config_name: {name}\n  data_files: {name}/*.parquet\n" for name in ("small", "large"))
    (folder / "set" / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    return lambda config: open_data(
        f"hf:{folder / 'set'}{config}", image_size=8, subset=0, progress=lambda *_: None, cache=folder / "cache",
        reading=Reading(labels="none"),
    )  # fmt: skip


def test_a_configuration_of_a_data_set_of_the_hub_is_asked_for_by_its_name(tmp_path, monkeypatch):
    of_hub = hub(tmp_path, monkeypatch)
    assert numbers(of_hub(":small").train.images) == list(range(12))
    assert numbers(of_hub(":large").train.images) == list(range(20))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("", r"set has 2 configurations — give one of them, as hf:.*/set:small: small, large$"),
        (":middle", r"set has no configuration 'middle' — give hf:.*/set:CONFIG with one of its own: small, large$"),
    ],
)
def test_a_data_set_of_several_configurations_is_refused_by_their_names(tmp_path, monkeypatch, config, words):
    of_hub = hub(tmp_path, monkeypatch)
    with pytest.raises(DataError, match=words):
        of_hub(config)


def test_a_folder_that_cannot_be_read_as_the_hub_keeps_data_is_no_matter_of_the_network(tmp_path, monkeypatch):
    of_hub = hub(tmp_path, monkeypatch)
    (tmp_path / "set" / "README.md").unlink()
    for name in ("small", "large"):
        (tmp_path / "set" / name / "train.parquet").write_bytes(b"PAR1PAR1")
    with pytest.raises(DataError, match=r"set cannot be opened: .* — check the files of the folder"):
        of_hub("")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (unlike_shards, "some files of one split have a column label, and some have none — give files of one kind"),
        (lambda f: write(f / "d.parquet", split=["often"] * 20), "has 20 rows of the unknown split 'often' — known"),
        (lambda f: write(f / "d.parquet", label=[{"a": n} for n in LABELS]), r"a label has parts \(a\) .* — give"),
        (
            lambda f: write(f / "d.parquet", split=["a", "b", "c", "d", *["train"] * 16]),
            "has 4 rows of the unknown splits 'a', 'b', 'c', and 1 more — known splits",
        ),
        (
            lambda f: write(f / "d.parquet", label=[[1, 2]] * 2 + [[1]] * 8 + [[1, 2]] * 2 + [[]] * 8),
            r"are refused for 2 reasons: .*an image has 2 labels \(4 of 20 labels: 0, 1, 10, …\) — .* or --labels none;"
            r" .*an image has 0 labels \(8 of 20 labels: 12, 13, 14, …\)",
        ),
        (
            lambda f: table(f, image=["a 1.png", "b.png", None, "c.png"]),
            r"for 2 reasons: .*lists 'a 1.png', which does not exist \(and 2 more: train/0000001, train/0000003\) — .*;"
            r" train/0000002: .* has a row without an image",
        ),
        (lambda f: write(f / "d.parquet", 0), "has no rows — give a table of at least one image"),
        (lambda f: table(f, image=[ENCODED[0], None]), "train/0000001: .* has a row without an image — delete the row"),
        (lambda f: table(f, image=["gone.png"]), "lists 'gone.png', which does not exist — correct the path"),
        (lambda f: table(f, image=[[[1, 2]]]), "holds no encoded images — keep each as the bytes"),
        (lambda f: table(f, picture_of=ENCODED, label=LABELS), "has no image column: picture_of, label — call"),
        (lambda f: (f / "d.parquet").write_bytes(b"PAR1PAR1"), "d.parquet is no Parquet file that can be read: .*"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_images_is_refused_in_one_sentence(tmp_path, make: Callable[[Path], object], words):
    make(tmp_path)
    with pytest.raises(DataError, match=words):
        opened(tmp_path)


def test_a_hub_that_does_not_answer_is_not_asked_for_half_a_minute(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    asked, folder = (DataSource(SOURCES["hf"], where) for where in ("someone/something", str(tmp_path)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert hub_answers(asked)
    assert not hub_answers(asked)
    assert hub_answers(folder)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert hub_answers(asked)


def test_columns_are_known_by_their_names_in_any_case(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    splits = ["TRAIN"] * 15 + ["Test"] * 5
    pq.write_table(pa.table({"Image": ENCODED, "Label": LABELS, "Split": splits}), tmp_path / "t.parquet")
    data = opened(tmp_path)
    assert (len(data.train), len(data.test)) == (15, 5)
    assert data.classes == ("0", "1")


def test_a_data_set_of_the_hub_that_was_never_fetched_is_a_sentence_where_there_is_no_net(tmp_path):
    pytest.importorskip("datasets")
    environment = os.environ | {"SIMCLR_OFFLINE": "1", "SIMCLR_DATA": str(tmp_path), "HF_HOME": str(tmp_path / "hub")}
    command = [sys.executable, "-m", "simclr_tui.cli.main", "data", "inspect", "hf:nobody/nothing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert done.returncode == ExitCode.DATA
    assert "hf:nobody/nothing cannot be opened: " in done.stderr
    assert "without a network only what an earlier run has fetched can be read" in done.stderr
    assert "Traceback" not in done.stderr
