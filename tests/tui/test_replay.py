"""Every action of the table pressed in one sitting at a real terminal, and the runs and files that it leaves."""

from __future__ import annotations

import pytest

from tests.tui.replay import EVERY, Replay, outcome, prepare

ENDED = ["attempt-0001/events.jsonl", "attempt-0001/metrics.jsonl", "attempt-0001/output.log", "recipe.toml"]


@pytest.mark.timeout(900)
def test_every_action_does_what_it_says_and_leaves_what_it_should(tmp_path):
    root = tmp_path / "runs"
    prepare(root)
    replay = Replay(root)
    try:
        replay.play()
    finally:
        replay.close()
    assert replay.acted == EVERY, "an action of the table is not in the replay yet"
    left = outcome(root)
    runs = left["runs"]
    assert {name: run["state"] for name, run in runs.items()} == {
        "basis": "finished", "copied": "finished", "later": "queued", "first": "stopped", "third": "stopped",
        "live": "failed",
    }  # fmt: skip
    assert left["trash"] == ["second"]
    assert (runs["basis"]["tags"], runs["basis"]["note"]) == (["night", "paper"], "")
    assert runs["live"]["attempt"] == 2, "it was resumed"
    assert runs["live"]["reason"] == "killed by you at step N"
    assert "evaluations/knn.json" in runs["basis"]["files"]
    assert "checkpoints/step-N.pt" in runs["live"]["files"], "it was stopped with a checkpoint"
    assert set(ENDED) <= set(runs["copied"]["files"])
    assert runs["copied"]["command"] == ["clone", "basis", "--name", "copied"]
    assert runs["copied"]["recipe"] == runs["later"]["recipe"]
    assert left["paused"]
    assert left["written"] == ["e.safetensors", "e.safetensors.md", "m.csv"]
    layout = left["layout"]
    assert layout["list_order"] == "progress"
    assert not layout["list_descending"]
    assert layout["list_group"] == "tags"
    assert layout["list_columns"] == ["bs", "temp"]
    assert layout["list_pinned"] == ["basis"]
    assert layout["axis"] == "epoch"
    assert layout["smoothing"] == 0.05
    assert layout["log"]
    assert layout["clip"]
    assert layout["tab"] == "curves"
