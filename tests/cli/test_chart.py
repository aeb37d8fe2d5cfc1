"""Charts of the command line: round ticks, shares in percent, references under their names, two side by side."""

from __future__ import annotations

import pytest

from simclr_tui.cli.chart import draw_chart, join_charts, round_ticks
from simclr_tui.cli.summary import _references, summarise
from simclr_tui.errors import ExitCode
from tests.run_factory import make_run, metric_line, write_metrics


@pytest.fixture
def run(tmp_path):
    run = make_run(
        tmp_path, "run1", flags={"data": "shapes"}, step=100, steps=100, summary={"knn": 0.8, "knn_best": 0.8}
    )
    lines = [metric_line(step, loss=5 - step / 50, **({"knn": 0.2 + step / 166} if step % 20 == 0 else {}))
             for step in range(101)]  # fmt: skip
    write_metrics(run.paths, 1, lines)
    make_run(tmp_path, "other", flags={"data": "shapes"}, summary={"knn": 0.9, "knn_best": 0.91})
    make_run(tmp_path, "elsewhere", flags={"data": "cifar10"}, summary={"knn": 0.9, "knn_best": 0.99})
    return run


@pytest.mark.parametrize(
    ("low", "high", "count", "ticks"),
    [
        (0, 100, 6, [0, 20, 40, 60, 80, 100]),
        (1, 16.5, 5, [5, 10, 15]),
        (3, 3, 5, [3]),
        (0, 39_000, 4, [0, 10_000, 20_000, 30_000]),
    ],
)
def test_ticks_are_round_numbers_within_the_span(low, high, count, ticks):
    assert round_ticks(low, high, count) == ticks


def test_a_share_is_drawn_in_percent_with_its_references_named(run):
    text = draw_chart([("run1", run.history())], "knn", width=60, references={"chance": 0.1})
    assert "kNN %" in text
    assert "chance" in text
    assert "80." in text


def test_the_best_kNN_is_of_the_runs_that_were_measured_alike(run):
    assert _references(run) == {"best: other": 0.91}


def test_a_run_ends_with_loss_beside_knn(run, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    summarise(run, run.status)
    printed = capsys.readouterr()
    assert printed.out == "", "stdout is for scripts"
    head = printed.err.splitlines()[0]
    assert head.index("loss") < head.index("kNN %")
    assert "best: other" in printed.err


def test_charts_of_one_height_join_line_by_line():
    assert join_charts("a\nb", "c\nd") == "a  c\nb  d"


@pytest.mark.parametrize(
    ("data", "exit_code", "step", "words"),
    [
        ("folder:my images", ExitCode.DATA, 0, "run it again; simclr data inspect 'folder:my images' looks"),
        ("cifar10", ExitCode.DATA, 0, "give another --data, and run it again\n"),
        ("folder:images", ExitCode.DATA, 9, "next: simclr resume refused, simclr logs refused"),
        ("folder:images", ExitCode.FAILED, 0, "next: simclr resume refused, simclr logs refused"),
    ],
    ids=["a folder", "a known data set", "after some steps", "another failure"],
)  # fmt: skip
def test_a_run_whose_images_were_refused_is_not_to_be_resumed(tmp_path, capsys, data, exit_code, step, words):
    run = make_run(
        tmp_path, "refused", {"data": data}, state="failed", exit_code=int(exit_code), step=step, reason="no"
    )
    summarise(run, run.status)
    told = capsys.readouterr().err
    assert words in told
    assert ("simclr resume" in told) == ("simclr resume" in words)
