"""A figure of runs: a line per run or per value of a field, written whole, or refused in one sentence."""

from __future__ import annotations

import re

import pytest

from simclr_tui.errors import RecipeError
from simclr_tui.report import figure
from simclr_tui.report.figure import check_figure, write_figure
from simclr_tui.report.figure_choice import FigureChoice
from simclr_tui.store.export.figure import draw_figure
from simclr_tui.store.state import State, write_state
from tests.run_factory import make_run, metric_line, write_metrics

pytest.importorskip("matplotlib")


@pytest.fixture
def runs(tmp_path):
    found = []
    for name, temp in (("a", 0.1), ("b", 0.5), ("c", 0.5)):
        run = make_run(tmp_path, name, flags={"temp": temp})
        write_metrics(run.paths, 1, [metric_line(step, loss=5.0 - step) for step in range(3)])
        found.append(run)
    return found


def words_of(file):
    return set(re.findall(r">([^<>\n]+)</text>", file.read_text(encoding="utf-8")))


def test_each_run_has_a_line_and_only_logged_metrics_a_panel(runs, tmp_path):
    write_figure(runs, tmp_path / "f.svg")
    shown = words_of(tmp_path / "f.svg")
    assert {"a", "b", "c"} <= shown
    assert not any("kNN" in words for words in shown)


def test_a_group_is_one_line(runs, tmp_path):
    assert write_figure(runs, tmp_path / "f.svg", FigureChoice(("loss",), group="temp")) == []
    shown = words_of(tmp_path / "f.svg")
    assert {"temp 0.1", "temp 0.5"} <= shown
    assert not {"a", "b", "c"} & shown


def logged(root, name, loss, recipe, **state):
    run = make_run(root, name, recipe)
    write_state(run.paths, State(**{"state": "finished", "since": 1.0} | state))
    write_metrics(run.paths, 1, [metric_line(step, loss=loss) for step in range(3)])
    return run


def drawn_means(monkeypatch, runs, target, choice):
    """The names and the drawn runs of each line, and what was said to be left out."""
    series = []

    def draw(lines, metrics, axis):
        series.extend(lines)
        return draw_figure(lines, metrics, axis)

    monkeypatch.setattr(figure, "draw_figure", draw)
    remarks = write_figure(runs, target, choice)
    return {line.name: [history.points("loss").values[0] for history in line.histories] for line in series}, remarks


def test_a_mean_is_of_healthy_finished_runs_and_the_others_are_named(tmp_path, monkeypatch):
    runs = [
        logged(tmp_path, "good", 3.0, {"seed": 0}),
        logged(tmp_path, "also", 4.0, {"seed": 1}),
        logged(tmp_path, "bad", 9.0, {"seed": 2}, flags=("diverged",)),
        logged(tmp_path, "half", 8.0, {"seed": 3}, state="stopped"),
        logged(tmp_path, "alone", 7.0, {"temp": 0.1}, state="stopped"),
    ]
    lines, remarks = drawn_means(monkeypatch, runs, tmp_path / "f.svg", FigureChoice(("loss",), group="temp"))
    assert lines == {"temp 0.5": [3.0, 4.0], "temp 0.1": [7.0]}
    assert remarks == ["not averaged: bad (diverged), half (stopped)"]
    with pytest.raises(RecipeError, match="none of these runs has finished in health"):
        write_figure(runs[2:4], tmp_path / "g.svg", FigureChoice(("loss",), group="temp"))
    assert not (tmp_path / "g.svg").exists()


def test_what_cannot_be_compared_is_not_averaged(tmp_path):
    runs = [logged(tmp_path, "a", 3.0, {"bs": 64}), logged(tmp_path, "b", 4.0, {"bs": 128})]
    with pytest.raises(RecipeError, match=r"loss is not averaged over temp 0\.5, because its runs differ in bs"):
        write_figure(runs, tmp_path / "f.svg", FigureChoice(("loss",), group="temp"))
    assert write_figure(runs, tmp_path / "f.svg", FigureChoice(("loss",), group="bs")) == []


def test_a_run_that_is_named_twice_is_one_line_and_no_mean(tmp_path, monkeypatch):
    run = logged(tmp_path, "a", 3.0, {})
    for choice in (FigureChoice(("loss",)), FigureChoice(("loss",), group="temp")):
        lines, _ = drawn_means(monkeypatch, [run, run], tmp_path / "f.svg", choice)
        assert list(lines.values()) == [[3.0]]


@pytest.mark.parametrize("name", ["f.txt", "nowhere/f.svg", "folder.png"])
def test_where_no_figure_can_be_written_is_said_before_it_is_drawn(tmp_path, name):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(RecipeError):
        check_figure(tmp_path / name)
