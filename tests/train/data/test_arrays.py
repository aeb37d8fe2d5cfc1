"""Arrays in one file: which are images, which labels are theirs, and what else is there."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from simclr_tui.errors import DataError
from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data import open_data
from simclr_tui.train.data.images import Data

IMAGES = np.random.default_rng(6).integers(0, 256, (20, 8, 8, 3), np.uint8)
LABELS = np.arange(20) % 2


def opened(folder: Path, data: str, **reading: str) -> Data:
    return open_data(
        data, image_size=8, subset=0, progress=lambda *_: None, cache=folder / "cache", reading=Reading(**reading)
    )


def saved(folder: Path, **arrays: np.ndarray) -> str:
    np.savez(folder / "d.npz", **arrays)
    return f"npz:{folder / 'd.npz'}"


def test_three_splits_as_medmnist_has_them(tmp_path):
    arrays = {
        f"{split}_{what}": values[:count]
        for split, count in (("train", 20), ("val", 8), ("test", 6))
        for what, values in (("images", IMAGES), ("labels", LABELS[:, None]))
    }
    data = opened(tmp_path, saved(tmp_path, **arrays))
    assert (len(data.train), len(data.test or ()), len(data.validation or ())) == (20, 6, 8)
    assert data.classes == ("0", "1")
    assert data.left_out == ()


def test_test_images_without_labels_do_not_get_those_of_the_validation_images(tmp_path):
    data = opened(
        tmp_path,
        saved(
            tmp_path, train_images=IMAGES, train_labels=LABELS, test_images=IMAGES[:6], val_images=IMAGES[6:12],
            val_labels=LABELS[6:12],
        ),
    )  # fmt: skip
    assert data.test is not None
    assert np.array_equal(data.test.images[:], IMAGES[6:12].transpose(0, 3, 1, 2))
    assert data.left_out == ("left out: 1 array that is not used (test_images)",)


def test_a_test_split_whose_labels_are_withheld_is_passed_over_for_the_validation_images(tmp_path):
    given = saved(
        tmp_path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:6], y_test=np.full(6, -1), x_val=IMAGES[6:12],
        y_val=LABELS[6:12],
    )  # fmt: skip
    data = opened(tmp_path, given)
    assert data.test is not None
    assert np.array_equal(data.test.images[:], IMAGES[6:12].transpose(0, 3, 1, 2))
    assert (len(data.train), data.validation) == (20, None)
    assert data.left_out == ("left out: 2 arrays that are not used (x_test, y_test)",)


def test_test_images_are_not_dropped_in_silence_where_nothing_is_labelled(tmp_path):
    given = saved(tmp_path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:6], y_test=LABELS[:6])
    data = opened(tmp_path, given, labels="none")
    assert data.test is None
    assert data.left_out == ("left out: 6 test images, because nothing is labelled (test/0000000, …)",)


def test_arrays_of_an_hdf5_file_that_may_be_its_labels_are_named(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["images"], file["ans"], file["redshift"] = IMAGES, LABELS, LABELS / 3
    for spec in (f"h5:{tmp_path}/d.h5", f"h5:{tmp_path}/d.h5:images"):
        data = opened(tmp_path, spec)
        assert data.layout == ("no labels",)
        assert data.left_out == ("left out: 2 arrays that are not used (ans, redshift)",)


def test_labels_that_are_python_objects_are_refused_with_the_way_out(tmp_path):
    given = saved(tmp_path, images=IMAGES, labels=np.array(["cat", None] * 10, object))
    with pytest.raises(DataError, match=r"the array labels of .*d\.npz holds Python objects — save it as numbers, or"):
        opened(tmp_path, given)
    np.save(tmp_path / "e.npy", IMAGES)
    np.save(tmp_path / "e_labels.npy", np.array(["cat", "dog"] * 10, object))
    with pytest.raises(DataError, match=r"e_labels\.npy holds Python objects"):
        opened(tmp_path, f"npy:{tmp_path / 'e.npy'}")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return [np.zeros((4, 4)), np.zeros((5, 4))]", "returned images that differ in shape — return arrays"),
        ("return {'images': np.zeros((2, 4, 4)), 'labels': [[1], [1, 2]]}", "returned labels that differ in shape"),
        ("return None", "returned NoneType for images — return images, "),
        ("yield np.zeros((4, 4))", "returned generator for images"),
        ("raise SystemExit(3)", "failed: SystemExit: 3 — run it by itself"),
        ("return np.zeros((0, 4, 4))", "has no train images — give an array with at least one"),
    ],
)
def test_what_a_function_returns_that_is_no_images_is_said(tmp_path, body, words):
    (tmp_path / "mine.py").write_text(f"import numpy as np\n\ndef load():\n    {body}\n")
    with pytest.raises(DataError, match=words):
        opened(tmp_path, f"py:{tmp_path / 'mine.py'}:load")


def test_what_is_no_array_is_refused_without_the_advice_to_trust_it(tmp_path):
    (tmp_path / "d.npy").write_text("hello")
    with pytest.raises(DataError, match=r"d\.npy is no array that can be read: it does not begin as one — save it"):
        opened(tmp_path, f"npy:{tmp_path / 'd.npy'}")


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("npy", "d.npz", r"d\.npz is a ZIP archive of arrays, not a NumPy array — give --data npz:FILE"),
        ("npz", "e.npy", r"e\.npy is a NumPy array, not a ZIP archive of arrays — give --data npy:FILE"),
        ("npy", "e.npy.gz", r"e\.npy\.gz is compressed by gzip, not a NumPy array — unpack it"),
        ("tar", "d.npz", r"d\.npz is a ZIP archive of arrays, not a tar archive — give --data npz:FILE"),
        ("csv", "e.npy", r"e\.npy is a NumPy array, not a table — give --data npy:FILE"),
        ("h5", "e.npy", r"e\.npy is a NumPy array, not an HDF5 file — give --data npy:FILE"),
        ("parquet", "e.npy", r"e\.npy is a NumPy array, not a Parquet file — give --data npy:FILE"),
    ],
)
def test_a_file_of_another_source_is_called_what_it_is_with_the_source_that_reads_it(tmp_path, kind, name, words):
    if library := {"h5": "h5py", "parquet": "pyarrow"}.get(kind):
        pytest.importorskip(library)
    saved(tmp_path, images=IMAGES)
    np.save(tmp_path / "e.npy", IMAGES)
    (tmp_path / "e.npy.gz").write_bytes(gzip.compress((tmp_path / "e.npy").read_bytes()))
    with pytest.raises(DataError, match=words):
        opened(tmp_path, f"{kind}:{tmp_path / name}")
