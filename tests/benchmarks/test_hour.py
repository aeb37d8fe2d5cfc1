"""The hour on two cores, rehearsed in seconds: it goes on where it was interrupted, and measures what it trained."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import hour
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.run import Run
from simclr_tui.train.model.build import build_encoder

TINY = ["--width", "0.0625", "--bs", "16", "--image-size", "16", "--grow-from", "0", "--grow-to", "0", "--threads", "1"]


def images(folder):
    """Two classes, dark and bright."""
    draw = np.random.default_rng(0)
    for split, count in (("train", 24), ("test", 8)):
        for name, level in (("dark", 40), ("bright", 200)):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = (level + draw.integers(-30, 30, (16, 16, 3))).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    return folder


def test_an_interrupted_hour_goes_on_and_a_finished_one_is_kept(tmp_path):
    data, out = images(tmp_path / "images"), tmp_path / "out"
    words = [str(data), "--out", str(out), "--entries", "seed0", "--seconds"]
    flags = ["--", *TINY, "--epochs", "100000"]
    assert hour.main([*words, "3", *flags]) == 0
    first = json.loads((out / "seed0.json").read_text())
    assert first["step"] > 0
    assert 0 <= first["knn_10"] <= 1
    assert first["knn_200_weighted"] >= 0.5
    (out / "seed0.json").unlink()  # as if it had been interrupted after three of so many seconds
    assert hour.main([*words, str(first["seconds"] + 2), *flags]) == 0
    second = json.loads((out / "seed0.json").read_text())
    assert second["step"] > first["step"]
    assert Run(out / "runs" / "seed0").status.attempt == 2
    before = (out / "seed0.json").stat().st_mtime_ns
    assert hour.main([*words, "3", *flags]) == 0
    assert (out / "seed0.json").stat().st_mtime_ns == before


def test_the_hour_of_lightly_is_not_trained_again_where_only_measuring_it_was_left(tmp_path, monkeypatch):
    data, out = images(tmp_path / "images"), tmp_path / "out"
    words = [str(data), "--out", str(out), "--entries", "lightly"]
    trained = []

    def train(entry, _given, saved):
        trained.append(entry)
        saved.mkdir()
        torch.save(build_encoder(Recipe(image_size=32)).state_dict(), saved / "7.pt")
        return '{"peer": "lightly", "images_per_s": 20.0}'

    monkeypatch.setattr(hour, "_train_lightly", train)
    monkeypatch.setattr(hour, "measure", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        hour.main(words)
    monkeypatch.undo()
    assert hour.main(words) == 0
    result = json.loads((out / "lightly.json").read_text())
    assert trained == ["lightly"]
    assert [point["seconds"] for point in result["curve"]] == [7]
    assert (result["images_per_s"], result["knn_10"]) == (20.0, result["curve"][-1]["knn_10"])
