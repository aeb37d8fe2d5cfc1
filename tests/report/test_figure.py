"""A figure of runs: a line per run or per value of a field, written whole, or refused in one sentence."""

from __future__ import annotations

import re

import pytest

from simclr_tui.errors import RecipeError
from simclr_tui.report.figure import check_figure, write_figure
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
    write_figure(runs, tmp_path / "f.svg", ["loss"], group="temp")
    shown = words_of(tmp_path / "f.svg")
    assert {"temp 0.1", "temp 0.5"} <= shown
    assert not {"a", "b", "c"} & shown


@pytest.mark.parametrize("name", ["f.txt", "nowhere/f.svg", "folder.png"])
def test_where_no_figure_can_be_written_is_said_before_it_is_drawn(tmp_path, name):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(RecipeError):
        check_figure(tmp_path / name)
