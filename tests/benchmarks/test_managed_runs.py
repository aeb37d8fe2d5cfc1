"""What the scripts that train many runs do: each run once, an interrupted one again, figures of what is whole."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from benchmarks import init, managed_runs, textures
from tests.run_factory import make_run, metric_line, write_metrics


def with_knn(root, name: str, accuracy: float):
    run = make_run(root, name)
    run.paths.evaluations.mkdir()
    (run.paths.evaluations / "knn.json").write_text(json.dumps({"results": [{"top1": accuracy}]}))


def test_what_finished_or_failed_is_left_and_what_was_interrupted_goes_on(tmp_path, monkeypatch):
    called: list[tuple[str, ...]] = []

    def call(*words: str, store) -> str:
        called.append(words)
        return "no GPU is free"

    monkeypatch.setattr(managed_runs, "call", call)
    for state in ("finished", "failed", "stopped", "lost"):
        make_run(tmp_path, f"r-{state}", state=state)
    states = [
        managed_runs.train_run(tmp_path, f"r-{s}", {"--bs": "8"}) for s in ("finished", "failed", "stopped", "lost")
    ]
    assert states == ["finished", "failed", "stopped", "lost"]
    assert called == [("resume", "r-stopped"), ("resume", "r-lost")]
    with pytest.raises(SystemExit, match="r-new did not begin: no GPU is free"):
        managed_runs.train_run(tmp_path, "r-new", {"--bs": "8"})
    assert called[-1] == ("run", "--bs", "8", "--name", "r-new")
    with_knn(tmp_path, "measured", 0.5)
    for name in ("measured", "r-failed", "r-finished"):
        managed_runs.evaluate_run(tmp_path, name)
    assert called[3:] == [("eval", "r-finished", "--knn")]
    assert managed_runs.knn_on_test(tmp_path / "measured") == 0.5
    assert managed_runs.knn_on_test(tmp_path / "r-finished") is None


def test_steps_to_a_knn_are_counted_of_seeds_whose_two_runs_are_finished(tmp_path, capsys):
    curves = {"scratch-0": (0.2, 0.3, 0.5, 0.4), "init-0": (0.4, 0.55, 0.5, 0.6), "scratch-1": (0.2, 0.6, 0.5, 0.5)}
    curves |= {"init-1": (0.3, 0.4, 0.5, 0.5), "scratch-2": (0.2,)}
    for name, values in curves.items():
        run = make_run(tmp_path, name, state="running" if name == "scratch-2" else "finished")
        write_metrics(run.paths, 1, [metric_line(10 * n, knn=value) for n, value in enumerate(values)])
    first, second = init.report(tmp_path)
    assert (first["knn"], first["scratch"], first["init"], first["init_knn"]) == (0.5, 20, 10, 0.6)
    assert (second["knn"], second["scratch"], second["init"]) == (0.6, 10, None)
    assert init.main(["report", str(tmp_path)]) == 0
    assert "seed 1: kNN 0.600 from scratch at step 10 of 30, with --init at no step" in capsys.readouterr().out


def test_the_first_encoder_sees_no_class_of_those_trained_on_afterwards(tmp_path):
    for name in "abcd":
        (tmp_path / "images" / "train" / name).mkdir(parents=True)
        (tmp_path / "images" / "train" / name / "0.png").write_bytes(b"")
    tables = init.split_classes(tmp_path / "images", tmp_path / "store")
    labels = []
    for table in tables:
        with open(table.removeprefix("csv:"), encoding="utf-8") as text:
            labels.append([row["label"] for row in csv.DictReader(text)])
    assert labels == [["a", "b"], ["c", "d"]]


def test_kinds_of_images_are_compared_with_the_copy_and_what_is_missing_is_said(tmp_path, capsys):
    for seed, accuracy in enumerate((0.8, 0.82, 0.84)):
        with_knn(tmp_path, f"8-bit-copy-{seed}", accuracy)
        with_knn(tmp_path, f"12-bits-{seed}", accuracy + 0.01)
    found = textures.report(tmp_path)
    assert found["12 bits"] == pytest.approx([0.81, 0.83, 0.85])
    assert textures.standard_error(found, "12 bits") == pytest.approx(np.sqrt(0.82 * 0.18 / 300))
    assert textures.main(["report", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "12 bits      kNN 0.830 (0.810 0.830 0.850), +0.010 against 8-bit copy" in shown
    assert "stacked      not measured: 0 of 10 runs" in shown
