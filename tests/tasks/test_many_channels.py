"""Presets for images of other than three channels, started for real: views, and neighbours of what they learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import simclr_tui
from simclr_tui.launch.plan import make_plan
from simclr_tui.launch.start import create
from simclr_tui.recipe.for_channels import for_channels
from simclr_tui.store.data_facts import read_data_facts
from simclr_tui.store.picture import Picture
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from simclr_tui.tasks.neighbors import neighbors
from simclr_tui.tasks.preview import preview
from simclr_tui.train.data.open import open_data
from simclr_tui.train.rng import epoch_order
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_views
from tests.training import TINY, train_in_process

SIDE = 16
RISING = np.linspace(0.2, 0.8, SIDE)
KINDS = {
    "satellite": (13, "uint16", 10_000), "spectrogram": (1, "float32", -80.0),
    "microscopy": (5, "uint16", 60_000), "xray": (1, "uint16", 4095),  # the last one is 12 bits in 16
}  # fmt: skip
"""Name, for each preset, the channels of its images, their type, and the value that they stay below."""


def images(channels: int, dtype: str, top: float, count: int) -> np.ndarray:
    """Return images (count, SIDE, SIDE, C) whose values grow to the right and downwards, away from 0."""
    noise = np.random.default_rng(channels).uniform(-0.05, 0.05, (count, SIDE, SIDE, channels))
    return (((RISING[:, None, None] + RISING[:, None]) / 2 + noise) * top).astype(dtype)


@pytest.fixture(scope="module", params=KINDS)
def trained(request, tmp_path_factory) -> tuple[str, Run]:
    """One epoch of a preset on 48 images of the kind that it is for."""
    torch.set_num_threads(1)
    preset, root = request.param, tmp_path_factory.mktemp(request.param)
    train, test = (images(*KINDS[preset], count) for count in (48, 16))
    np.savez(root / "d.npz", x_train=train, y_train=np.arange(48) % 2, x_test=test, y_test=np.arange(16) % 2)
    small = {name: TINY[name] for name in ("width", "image_size", "head_dim", "bs", "knn_on", "threads", "device")}
    flags = small | {"data": f"npz:{root / 'd.npz'}", "epochs": 1, "warmup": 0.5, "precision": "fp32"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMCLR_DATA", str(root / "cache"))
        run = create(Store(root / "runs"), make_plan(preset, flags=flags))
        done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    return preset, run


@pytest.fixture(autouse=True)
def cache(trained, monkeypatch) -> None:
    monkeypatch.setenv("SIMCLR_DATA", str(Path(trained[1].path).parents[1] / "cache"))


def drawn(picture: Picture) -> np.ndarray:
    return np.frombuffer(picture.rgb, np.uint8).reshape(picture.height, picture.width, 3)


def as_drawn(image: np.ndarray) -> np.ndarray:
    """Return what is drawn of an image (C, H, W) in [0, 1]: its first three bands, or its one as grey."""
    return np.rint(np.repeat(image[:3], 3 // len(image[:3]), axis=0) * 255).astype(np.uint8).transpose(1, 2, 0)


def opened(run: Run):
    return open_data(run.recipe.data, image_size=SIDE, subset=0, progress=lambda *_: None)


def test_a_run_of_the_preset_finishes_with_every_channel(trained):
    preset, run = trained
    facts = read_data_facts(run.path)
    assert run.status.state == "finished"
    assert (facts.channels, facts.levels) == (KINDS[preset][0], 65535)
    assert np.isfinite(run.history().points("loss")[1]).all()
    encoder = simclr_tui.load_encoder(run)
    assert encoder(torch.zeros(2, KINDS[preset][0], SIDE, SIDE)).shape[0] == 2


def test_the_views_that_are_shown_are_those_of_the_first_step(trained):
    preset, run = trained
    data = opened(run)
    recipe, _ = for_channels(run.recipe, data.channels, rgb=data.rgb)
    samples = epoch_order(recipe.seed, 0, len(data.train))[:4]
    expected = two_views(
        torch.from_numpy(np.array(data.train.images[samples])), draw_views(recipe, 0, samples, SIDE), SIDE
    ).numpy()
    found = preview(run.recipe, 4, None)
    for place, row in enumerate(found.images):
        np.testing.assert_array_equal(drawn(row.original), as_drawn(data.train.images[samples[place]] / 65535))
        np.testing.assert_array_equal(drawn(row.views[0]), as_drawn(expected[place]))
        np.testing.assert_array_equal(drawn(row.views[1]), as_drawn(expected[4 + place]))
    channels = KINDS[preset][0]
    said = "1 channel, drawn as grey" if channels == 1 else f"channels 1, 2, 3 of {channels} drawn as red, green, blue"
    assert found.channels == said


def test_what_has_a_direction_keeps_it_and_what_has_none_is_turned(trained):
    """A spectrogram read from right to left is another sound, and this one darkens to the right and downwards; a body
    has an up, and may stand either way round; neither land nor a field of cells has one."""
    preset, run = trained
    data = opened(run)
    recipe, _ = for_channels(run.recipe, data.channels, rgb=data.rgb)
    samples = np.arange(48)
    views = two_views(
        torch.from_numpy(np.array(data.train.images[samples])), draw_views(recipe, 0, samples, SIDE), SIDE
    ).numpy()
    assert views.shape[1] == KINDS[preset][0]
    assert 0 <= views.min() < views.max() <= 1
    half = SIDE // 2
    across, down = views.mean(axis=(1, 2)), views.mean(axis=(1, 3))
    right, low = (np.mean(mean[:, half:].mean(axis=1) > mean[:, :half].mean(axis=1)) for mean in (across, down))
    assert right < 0.1 if preset == "spectrogram" else 0.25 < right < 0.75
    assert low < 0.1 if preset == "spectrogram" else low > 0.9 if preset == "xray" else 0.25 < low < 0.75


def test_neighbours_by_all_channels_are_those_of_brute_force(trained, tmp_path):
    _, run = trained
    data = opened(run)
    encoder = simclr_tui.load_encoder(run)
    with torch.no_grad():
        h, asked = (
            encoder(torch.from_numpy(np.array(split.images)).float() / 65535).numpy().astype(float)
            for split in (data.train, data.test)
        )
    cosines = h @ asked[3] / (np.linalg.norm(h, axis=1) * np.linalg.norm(asked[3]))
    found = neighbors(run, "3", data=None, split="train", k=5, device="cpu")
    np.testing.assert_allclose([one.similarity for one in found.neighbors], np.sort(cosines)[::-1][:5], atol=1e-5)
    np.testing.assert_array_equal(drawn(found.query), as_drawn(data.test.images[3] / 65535))
    for one in found.neighbors:
        assert cosines[one.index] == pytest.approx(one.similarity, abs=1e-5)
        np.testing.assert_array_equal(drawn(one.picture), as_drawn(data.train.images[one.index] / 65535))
    with np.load(run.recipe.data.removeprefix("npz:")) as arrays:
        np.save(tmp_path / "own.npy", arrays["x_train"][7])
    itself = neighbors(run, str(tmp_path / "own.npy"), data=None, split="train", k=1, device="cpu").neighbors[0]
    assert itself.similarity == pytest.approx(1.0, abs=1e-5)
