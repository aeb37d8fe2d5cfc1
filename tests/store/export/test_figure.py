"""Figures: what is drawn is what was logged, in percent where it is a share, mean ± deviation over a group."""

from __future__ import annotations

import pytest

from simclr_tui.errors import NotFoundError
from simclr_tui.store.export.figure import Series, draw_figure, save_figure
from tests.run_factory import make_run, metric_line, write_metrics

pytest.importorskip("matplotlib")


@pytest.fixture
def histories(tmp_path):
    found = []
    for number in range(3):
        run = make_run(tmp_path, f"run{number}")
        lines = [metric_line(step, loss=5 - step, knn=0.1 * number + step / 10) for step in range(4)]
        write_metrics(run.paths, 1, lines)
        found.append(run.history())
    return found


def test_a_line_is_what_was_logged(histories):
    loss, knn = draw_figure([Series("run0", histories[:1])], ["loss", "knn"]).axes
    assert list(loss.lines[0].get_xdata()) == [0, 1, 2, 3]
    assert list(loss.lines[0].get_ydata()) == [5, 4, 3, 2]
    assert list(knn.lines[0].get_ydata()) == pytest.approx([0, 10, 20, 30])
    assert "%" in knn.get_ylabel()


def test_a_group_is_its_mean_and_a_band_of_its_deviation(histories):
    (panel,) = draw_figure([Series("temp 0.1", histories)], ["knn"]).axes
    assert list(panel.lines[0].get_ydata()) == pytest.approx([10, 20, 30, 40])
    band = panel.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(0)
    assert band[:, 1].max() == pytest.approx(50)


def test_the_mean_of_long_runs_is_of_all_steps_and_not_of_the_extremes(tmp_path):
    histories = []
    for number in range(2):
        run = make_run(tmp_path, f"long{number}")
        lines = [metric_line(step, loss=float((step + number) % 2)) for step in range(5000)]
        write_metrics(run.paths, 1, lines)
        histories.append(run.history())
    (panel,) = draw_figure([Series("both", histories)], ["loss"]).axes
    assert set(panel.lines[0].get_ydata()) == {0.5}
    assert len(panel.lines[0].get_xdata()) >= 1000


@pytest.mark.parametrize(("kind", "magic"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_it_is_written_as_its_name_says_and_twice_the_same(histories, tmp_path, kind, magic):
    for name in ("a", "b"):
        save_figure(draw_figure([Series("x", histories)], ["loss"]), tmp_path / f"{name}.{kind}")
    first, second = ((tmp_path / f"{name}.{kind}").read_bytes() for name in ("a", "b"))
    assert first.startswith(magic)
    assert first == second


def test_a_metric_that_nobody_logged_is_refused(histories):
    with pytest.raises(NotFoundError, match="'lost'"):
        draw_figure([Series("x", histories)], ["lost"])
