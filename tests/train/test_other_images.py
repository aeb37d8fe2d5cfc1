"""Images of five channels and 16 bits from the folder to the export: trained, judged, drawn and taken away."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from simclr_tui.api import load_encoder
from simclr_tui.cli.commands.show import show
from simclr_tui.errors import DataError
from simclr_tui.launch.evaluation import evaluate
from simclr_tui.launch.foreign import import_encoder, run_to_evaluate
from simclr_tui.store.evaluations import read_evaluation
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from simclr_tui.tasks.embed import embed
from simclr_tui.tasks.export import export
from simclr_tui.tasks.image_bank import compute_features, open_image_bank
from simclr_tui.tasks.preview import preview
from tests.training import tiny_run, train_in_process

CHANNELS = 5


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Run:
    """A run on TIFFs of five bands of 12 bits, whose classes differ in texture alone."""
    tifffile = pytest.importorskip("tifffile")
    folder, draw = tmp_path_factory.mktemp("bands"), np.random.default_rng(0)
    rows, columns = np.mgrid[:20, :20]
    for split, count in (("train", 16), ("test", 6)):
        for label, frequency in {"coarse": 0.3, "fine": 1.3}.items():
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                wave = np.sin(frequency * columns + draw.uniform(0, 6)) * np.sin(frequency * rows + draw.uniform(0, 6))
                bands = [1500 + 300 * band + 400 * wave + draw.normal(0, 40, wave.shape) for band in range(CHANNELS)]
                pixels = np.stack(bands).clip(0, 4095).astype(np.uint16)
                path = folder / split / label / f"{number:02}.tif"
                tifffile.imwrite(path, pixels, photometric="minisblack", planarconfig="separate")
    run = tiny_run(tmp_path_factory.mktemp("runs"), data=f"folder:{folder}", subset=0, epochs=2, normalize="data")
    done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    assert "5 channels, not RGB: brightness and contrast of each" in done.stdout + done.stderr
    return run


def test_what_looks_wrong_with_the_images_is_in_the_log_in_the_events_and_in_show(tmp_path, capsys):
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "masks.npz", x=(draw.random((40, 20, 20, 3)) > 0.5).astype(np.uint8) * 255)
    run = tiny_run(tmp_path / "runs", data=f"npz:{tmp_path}/masks.npz", subset=0, epochs=1)
    done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    said = "the images have 2 levels only"
    assert said in done.stdout + done.stderr
    assert any(said in event.message for event in run.events)
    show(run.name, runs=tmp_path / "runs")
    assert f"warning: {said}" in capsys.readouterr().out


def test_the_encoder_that_was_trained_takes_five_channels_and_normalises_them(trained):
    encoder = load_encoder(trained)
    assert encoder.channels == CHANNELS
    bank = open_image_bank(trained.recipe, None, "train", progress=lambda *_: None)
    pixels = np.concatenate([np.asarray(part[:]) for part in bank.images]) / 65535.0
    mean, deviation = encoder.statistics
    np.testing.assert_allclose(mean, pixels.mean(axis=(0, 2, 3)), atol=1e-4)
    np.testing.assert_allclose(deviation, pixels.std(axis=(0, 2, 3)), atol=1e-4)
    h = compute_features(encoder, bank, trained.recipe, device="cpu", progress=lambda *_: None)
    assert h.shape == (32, encoder.dim)


def test_its_views_are_drawn_and_say_of_which_channels(trained):
    shown = preview(trained.recipe, 1, None)
    assert shown.channels == "channels 1, 2, 3 of 5 drawn as red, green, blue"
    assert shown.images[0].original.width == 20 or shown.images[0].original.width == 16


def test_an_export_says_what_it_expects_and_is_judged_as_the_run_is(trained, tmp_path):
    target = tmp_path / "bands.safetensors"
    export(trained, target)
    card = target.with_name(f"{target.name}.md").read_text()
    assert "5 channels, float32, (N, 5, 16, 16), values in [0, 1], then less the mean (" in card
    assert "of the images' own values channel 1: " in card
    store = Store(trained.path.parent)
    known = {"data": trained.recipe.data}
    imported = run_to_evaluate(store, str(target), known)
    assert imported.info.origin.words.endswith("normalised by a mean and deviation of its own")
    images = torch.rand(2, CHANNELS, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(load_encoder(imported)(images), load_encoder(trained)(images))
    baseline = run_to_evaluate(store, trained.name, {}, baseline=True)
    assert load_encoder(baseline).channels == CHANNELS
    assert evaluate(imported, ["knn"], {"--threads": 1}) == (0, ["knn"])


def test_other_channels_than_the_encoders_are_a_sentence(trained):
    bank = open_image_bank(trained.recipe, "shapes", "test", progress=lambda *_: None)
    with pytest.raises(DataError, match="images of 3 channels, the encoder takes 5"):
        compute_features(load_encoder(trained), bank, trained.recipe, device="cpu", progress=lambda *_: None)
    store = Store(trained.path.parent)
    wide = import_encoder(store, "random", {"data": trained.recipe.data, "width": 0.125, "image_size": 16}, quiet=True)
    code, names = evaluate(wide, ["knn"], {"--threads": 1})
    assert (code, names) != (0, ["knn"])


def test_other_data_whose_values_are_read_from_another_range_is_said(trained, tmp_path):
    tifffile = pytest.importorskip("tifffile")
    draw = np.random.default_rng(1)
    for split in ("train", "test"):
        for label in "ab":
            (tmp_path / "dim" / split / label).mkdir(parents=True)
            for number in range(4):
                pixels = draw.integers(100, 612, (CHANNELS, 20, 20)).astype(np.uint16)
                path = tmp_path / "dim" / split / label / f"{number}.tif"
                tifffile.imwrite(path, pixels, photometric="minisblack", planarconfig="separate")
    words = (
        r"the values of folder:.*dim are read from 1\d\d to 6\d\d, those that the encoder was trained on from \d+ to"
    )
    data = f"folder:{tmp_path / 'dim'}"
    code, names = evaluate(trained, ["knn"], {"--threads": 1, "--data": data})
    assert code == 0
    found = read_evaluation(trained.paths, names[0])
    assert re.search(words, str(found.hyperparameters["range"]))
    assert re.search(words, embed(trained, tmp_path / "h.npy", data=data, split=None, device="cpu").content)
    assert "; " not in embed(trained, tmp_path / "own.npy", data=None, split=None, device="cpu").content
