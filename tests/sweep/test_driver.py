"""The process behind an adaptive sweep: which results its sampler learns from."""

from __future__ import annotations

import pytest

from simclr_tui.store.store import Store
from simclr_tui.sweep.axes import parse_axis
from simclr_tui.sweep.driver import _look
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.optuna_study import Study


def row(trial, digest):
    return {
        "trial": trial, "name": f"run{trial}", "state": "finished", "knn": 0.5, "exit_code": 0, "flags": "",
        "data": "shapes", "knn_on": "validation", "validation_digest": digest,
    }  # fmt: skip


def test_a_trial_on_other_held_out_images_than_those_before_is_not_learned_from_and_the_log_says_so(tmp_path, capfd):
    pytest.importorskip("optuna")
    sweep = Sweep(name="s", sampler="tpe", trials=3, seeds=(0,), axes=(parse_axis("temp", "0.1:1.0"),))
    study = Study(tmp_path / "journal", sweep)
    rows = [row(trial, digest) for trial, digest in enumerate(("then", "now", "then"))]
    for one in rows:
        number, _ = study.ask()
        _look(Store(tmp_path), study, sweep, number=number, rows=rows[: one["trial"] + 1])
    assert study.scored() == {0, 2}
    assert not study.open()
    said = capfd.readouterr().out.splitlines()
    assert [line.split(" is not learned from: ")[0] for line in said] == ["trial 1"]
