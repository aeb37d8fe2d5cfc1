"""The public names give what the files hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

import simclr_tui
from simclr_tui.errors import NotFoundError
from tests.run_factory import make_run, metric_line, write_metrics


@pytest.fixture
def run(tmp_path):
    run = make_run(tmp_path, "run1", flags={"temp": 0.1}, summary={"knn": 0.5})
    write_metrics(run.paths, 1, [metric_line(0, knn=0.2), metric_line(1, loss=5.0), metric_line(2, loss=4.0, knn=0.5)])
    return run


def test_frames_hold_the_runs_and_the_metrics(run, tmp_path):
    pytest.importorskip("pandas")
    (row,) = simclr_tui.frame(tmp_path).to_dict("records")
    assert (row["name"], row["temp"], row["knn"]) == ("run1", 0.1, 0.5)
    metrics = simclr_tui.open_run("run1", tmp_path).frame()
    assert metrics["loss"].dropna().to_dict() == {1: 5.0, 2: 4.0}
    assert metrics["knn"].dropna().to_dict() == {0: 0.2, 2: 0.5}
    assert metrics.index.name == "step"


def test_a_run_draws_its_metrics(run, tmp_path):
    pytest.importorskip("matplotlib")
    figure = run.plot()
    assert [panel.get_ylabel() for panel in figure.axes] == ["loss", "kNN accuracy (%)"]
    (line,) = figure.axes[1].lines
    assert list(line.get_ydata()) == [20.0, 50.0]
    with pytest.raises(NotFoundError, match="nothing"):
        run.plot("nothing")


def test_a_run_without_evaluations_has_none(run):
    assert run.evaluations == []


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "simclr_tui", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"simclr-tui {simclr_tui.__version__}\n"
