"""F29: a run folder of an older or a newer version is read; what is unknown is kept; another major is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import tests.golden
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.errors import StoreError
from simclr_tui.hardware.log import HardwareLog
from simclr_tui.recipe.fields import short_values
from simclr_tui.store.evaluations import read_evaluations
from simclr_tui.store.labels import edit_run
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store

GOLDEN = sorted(path for path in Path(tests.golden.__file__).parent.iterdir() if (path / "run1").is_dir())


@pytest.fixture(params=GOLDEN, ids=lambda path: path.name)
def golden(request, tmp_path):
    """A copy of the folder, and what its version said of it."""
    shutil.copytree(request.param / "run1", tmp_path / "runs" / "run1")
    return Store(tmp_path / "runs"), json.loads((request.param / "expected.json").read_text())


def told(store: Store) -> dict:
    """Everything that can be read of the run, but for the recipe's fields that came later."""
    run = store.run("run1")
    hardware = HardwareLog(run.paths)
    hardware.poll()
    history = run.history()
    return {
        "info": [run.info.id, run.info.tags, run.info.note, run.info.created, run.info.command],
        "state": [run.state, run.status.step, run.status.steps, run.status.attempt, run.status.elapsed],
        "summary": run.status.summary,
        "preset": run.resolved.preset,
        "recipe": short_values(run.recipe),
        "sources": run.resolved.sources,
        "steps": list(history.step),
        "seconds": list(history.time),
        "metrics": {name: history.points(name) for name in sorted(history.columns)},
        "damaged": history.damaged,
        "events": [[event.event, event.attempt, event.step, event.message] for event in run.events],
        "samples": {name: len(column.values) for name, column in sorted(hardware.columns.items())},
        "checkpoints": [[one.step, one.bytes, one.sha256] for one in run.checkpoints],
        "evaluations": [one.summary() for one in read_evaluations(run.paths)],
        "logs": [path.read_text().splitlines()[0] for path in run.log_files()],
    }


def test_every_version_is_read_as_it_was_written(golden, fault):
    fault("F29", 1, "golden run folders read")
    store, expected = golden
    found = json.loads(json.dumps(told(store)))
    for name in ("recipe", "sources", "samples"):  # a later version may read more
        found[name] = {key: value for key, value in found[name].items() if key in expected[name]}
    assert found == expected
    (row,) = Catalog(store).rows()
    assert (row["state"], row["error"], row["knn"]) == ("finished", "", expected["summary"]["knn"])


def test_what_a_newer_version_added_is_read_past_and_kept(golden, fault):
    fault("F29", 1, "golden run folders with what a newer version might add")
    store, expected = golden
    run = store.run("run1")
    added = {"mood": {"deep": [1, None]}}
    for path in (run.paths.info, run.paths.state, *run.paths.checkpoints.glob("*.json")):
        path.write_text(json.dumps(json.loads(path.read_text()) | added))
    run.paths.recipe.write_text(run.paths.recipe.read_text() + "[new_table]\na = 1\n")
    for attempt in run.paths.attempts():
        for log in (attempt.events, attempt.hardware):
            lines = [json.dumps(json.loads(line) | added) for line in log.read_text().splitlines()]
            log.write_text("\n".join(lines) + "\n")
        lines = [
            json.dumps(json.loads(line) | {"new metric": 1.5}) for line in attempt.metrics.read_text().splitlines()
        ]
        attempt.metrics.write_text("\n".join(lines) + "\n")
        (attempt.root / "new.bin").touch()
    found = json.loads(json.dumps(told(store)))
    assert found["metrics"].pop("new metric")[1] == [1.5] * len(expected["steps"])
    for name in expected.keys() - {"recipe", "sources", "samples"}:
        assert found[name] == expected[name], name
    edit_run(store, run, add=["later"])
    assert json.loads(run.paths.info.read_text())["mood"] == added["mood"]
    assert run.info.tags == [*expected["info"][1], "later"]


def test_what_an_older_version_did_not_write_takes_its_default(golden, fault):
    fault("F29", 1, "golden run folders with only what is needed")
    store, expected = golden
    run: Run = store.run("run1")
    info, state = (json.loads(path.read_text()) for path in (run.paths.info, run.paths.state))
    run.paths.info.write_text(json.dumps({key: info[key] for key in ("format", "id", "name", "created", "version")}))
    run.paths.state.write_text(json.dumps({key: state[key] for key in ("state", "since")}))
    run.paths.recipe.write_text('preset = "quick"\n[recipe]\nbatch_size = 16\n')
    shutil.rmtree(run.paths.evaluations)
    assert (run.info.tags, run.state, run.status.step, run.recipe.batch_size) == ([], "finished", 0, 16)
    assert run.history().points("loss").steps == expected["metrics"]["loss"][0]
    assert Catalog(store).rows()[0]["error"] == ""


def test_another_major_format_is_refused_in_a_sentence(golden, fault):
    fault("F29", 1, "golden run folders of another major format")
    store, _ = golden
    run = store.run("run1")
    run.paths.info.write_text(json.dumps({"format": 2, "version": "9.0", "id": {"kind": "other"}}))
    with pytest.raises(StoreError, match=r"written by a newer simclr-tui \(9.0\) — upgrade"):
        run.info  # noqa: B018
    assert "newer" in Catalog(store).rows()[0]["error"]
