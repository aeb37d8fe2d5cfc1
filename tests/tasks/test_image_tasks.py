"""Looking at what was learned: vectors, neighbours and views, each against a computation made here."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow.parquet
import pytest
import torch
from PIL import Image

import simclr_tui
from simclr_tui.errors import SimclrError
from simclr_tui.launch import tasks
from simclr_tui.store.picture import Picture
from simclr_tui.store.run import Run
from simclr_tui.tasks.embed import embed
from simclr_tui.tasks.neighbors import neighbors
from simclr_tui.train.data.open import open_data
from simclr_tui.train.rng import epoch_order
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_views
from tests.training import TINY, tiny_plan, tiny_run, train_in_process


@pytest.fixture(scope="module")
def trained(tmp_path_factory, shared_data) -> Run:
    torch.set_num_threads(1)
    run = tiny_run(tmp_path_factory.mktemp("runs"), epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMCLR_DATA", str(shared_data))
        done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    return run


@pytest.fixture
def folder(tmp_path):
    """Two classes of three and two images and a test split of one each; one image has a comma in its name."""
    chance = np.random.default_rng(0)
    train = [f"train/{name}" for name in ("cat/a", "cat/b, c", "cat/d", "dog/a", "dog/b")]
    for name in [*train, "test/cat/x", "test/dog/y"]:
        path = tmp_path / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    return tmp_path / "images"


def shapes(split: str = "train"):
    data = open_data("shapes", image_size=16, subset=TINY["subset"], progress=lambda *_: None)
    return data, data.train if split == "train" else data.test


def h_of(run: Run, images: np.ndarray) -> np.ndarray:
    """h straight from the encoder, without the code under test."""
    with torch.no_grad():
        return simclr_tui.load_encoder(run)(torch.from_numpy(np.array(images)).float() / 255).numpy()


def pixels(picture: Picture) -> np.ndarray:
    return np.frombuffer(picture.rgb, np.uint8).reshape(picture.height, picture.width, 3)


def test_embed_writes_h_of_every_image_and_what_it_is_of(trained, tmp_path):
    tasks.embed(trained, tmp_path / "v.npy", quiet=True)
    h = np.load(tmp_path / "v.npy", allow_pickle=False)
    (data, train), (_, test) = shapes(), shapes("test")
    assert h.dtype == np.float32
    np.testing.assert_allclose(h, h_of(trained, np.concatenate([train.images, test.images])), atol=1e-5, rtol=1e-4)
    rows = list(csv.DictReader((tmp_path / "v.npy.csv").open(newline="")))
    assert [row["split"] for row in rows] == ["train"] * len(train) + ["test"] * len(test)
    assert [int(row["index"]) for row in rows] == [*range(len(train)), *range(len(test))]
    labels = np.concatenate([train.labels, test.labels])
    assert [int(row["label"]) for row in rows] == labels.tolist()
    assert [row["class"] for row in rows] == [data.classes[label] for label in labels]


def test_embed_a_folder_into_parquet_with_its_paths(trained, folder, tmp_path):
    target = tmp_path / "v.parquet"
    written = embed(trained, target, data=f"folder:{folder}", split="train", device="cpu")
    assert "h of 5 images" in written.content
    table = pyarrow.parquet.read_table(target)
    assert table.schema.metadata[b"step"] == b"6"
    columns = table.to_pydict()
    assert columns["path"] == [f"train/{name}.png" for name in ("cat/a", "cat/b, c", "cat/d", "dog/a", "dog/b")]
    assert columns["class"] == ["cat"] * 3 + ["dog"] * 2
    images = np.stack([np.asarray(Image.open(folder / path)).transpose(2, 0, 1) for path in columns["path"]])
    np.testing.assert_allclose(np.array(columns["h"]), h_of(trained, images), atol=1e-5, rtol=1e-4)


def test_unlabelled_images_are_embedded_without_labels(trained, folder, tmp_path):
    plain = folder / "train" / "cat"
    embed(trained, tmp_path / "v.parquet", data=f"folder:{plain}", split=None, device="cpu")
    columns = pyarrow.parquet.read_table(tmp_path / "v.parquet").to_pydict()
    assert columns["path"] == ["a.png", "b, c.png", "d.png"]
    assert columns["label"] == columns["class"] == [None] * 3
    with pytest.raises(SimclrError, match="has no test images — give --split train"):
        embed(trained, tmp_path / "w.npy", data=f"folder:{plain}", split="test", device="cpu")
    assert not (tmp_path / "w.npy").exists()


def test_a_damaged_image_is_left_out_of_the_embedding(trained, folder, tmp_path):
    """Training puts its neighbour in its place; a vector under its name would not be its own."""
    for number in range(1100):  # one damaged image in a thousand is let pass
        (folder / "train" / "dog" / f"z{number:04d}.png").hardlink_to(folder / "train" / "dog" / "a.png")
    (folder / "train" / "cat" / "d.png").write_bytes(b"no image")
    embed(trained, tmp_path / "v.npy", data=f"folder:{folder}", split="train", device="cpu")
    rows = list(csv.DictReader((tmp_path / "v.npy.csv").open(newline="")))
    assert [row["path"] for row in rows[:3]] == ["train/cat/a.png", "train/cat/b, c.png", "train/dog/a.png"]
    assert [int(row["index"]) for row in rows[:3]] == [0, 1, 3]
    h = np.load(tmp_path / "v.npy")
    assert len(h) == len(rows) == 1104
    image = np.asarray(Image.open(folder / "train/dog/a.png")).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(h[2], h_of(trained, image)[0], atol=1e-5, rtol=1e-4)


def test_neighbors_are_those_of_brute_force(trained):
    _, train = shapes()
    _, test = shapes("test")
    found = tasks.neighbors(trained, "5", split="train", k=7, quiet=True)
    h, asked = h_of(trained, train.images).astype(float), h_of(trained, test.images[5:6])[0].astype(float)
    cosines = np.array([row @ asked / np.sqrt((row @ row) * (asked @ asked)) for row in h])
    np.testing.assert_array_equal(pixels(found.query), test.images[5].transpose(1, 2, 0))
    assert found.images == len(train)
    similarities = [neighbor.similarity for neighbor in found.neighbors]
    np.testing.assert_allclose(similarities, np.sort(cosines)[::-1][:7], atol=1e-5)
    for neighbor in found.neighbors:
        assert cosines[neighbor.index] == pytest.approx(neighbor.similarity, abs=1e-5)
        np.testing.assert_array_equal(pixels(neighbor.picture), train.images[neighbor.index].transpose(1, 2, 0))


def test_an_image_file_is_its_own_nearest_neighbour(trained, folder):
    found = neighbors(
        trained, str(folder / "train/cat/d.png"), data=f"folder:{folder}", split="train", k=99, device="cpu"
    )
    assert len(found.neighbors) == 5
    first = found.neighbors[0]
    assert (first.index, first.path, first.label) == (2, "train/cat/d.png", "cat")
    assert first.similarity == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("image", "said"),
    [("gone.png", "there is no image gone.png"), ("5000", "from 0 to 95"), (__file__, "cannot be read")],
)
def test_an_image_that_cannot_be_is_one_sentence(trained, image, said):
    with pytest.raises(SimclrError, match=said) as caught:
        neighbors(trained, image, data=None, split="train", k=8, device="cpu")
    assert caught.value.exit_code == 4


def test_preview_shows_the_first_views_that_the_run_would_see(tmp_path):
    plan = tiny_plan(seed=3, blur=0.5, color=1.0)
    recipe = plan.resolved.recipe
    shown = tasks.preview(plan.resolved, images=5, target=tmp_path / "p.png", quiet=True)
    data, train = shapes()
    samples = epoch_order(3, 0, len(train))[:16]  # the whole first batch: a view is what it is in any batch
    views = two_views(torch.from_numpy(train.images[samples]), draw_views(recipe, 0, samples, 16), 16).numpy()
    expected = np.rint(views * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    assert [row.index for row in shown.images] == samples[:5].tolist()
    for place, row in enumerate(shown.images):
        np.testing.assert_array_equal(pixels(row.original), train.images[samples[place]].transpose(1, 2, 0))
        np.testing.assert_array_equal(pixels(row.views[0]), expected[place])
        np.testing.assert_array_equal(pixels(row.views[1]), expected[16 + place])
        assert row.label == data.classes[train.labels[samples[place]]]
    sheet = np.asarray(Image.open(tmp_path / "p.png"))
    top, left = 4 + 2 * 132, 4 + 132  # third image, first view: 16 px eight times enlarged, 4 px apart
    np.testing.assert_array_equal(sheet[top : top + 128 : 8, left : left + 128 : 8], expected[2])


def test_a_process_that_crashes_is_one_sentence(trained, tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ImportError('a broken torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SimclrError, match="the process for neighbors ended with code 1: ImportError: a broken torch"):
        tasks.neighbors(trained, "0", quiet=True)
