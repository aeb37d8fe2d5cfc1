"""Charts of the command line: round ticks, shares in percent, references under their names, two side by side."""

from __future__ import annotations

import math

import pytest

from simclr_tui.cli import chart
from simclr_tui.cli.chart import draw_chart, join_charts
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


def test_a_share_is_drawn_in_percent_with_its_references_named(run):
    text = draw_chart([("run1", run.history())], "knn", width=60, references={"chance": 0.1})
    assert "kNN %" in text
    assert y_labels(text) == ["100", "50", "0"]
    assert text.splitlines()[-1].split() == ["⠤⠤", "run1", "--", "chance"], "the legend lies over no value"


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


def test_charts_join_line_by_line_with_the_legend_of_either():
    assert join_charts("a\nb", "c\nd") == "a  c\nb  d"
    assert join_charts("a\nb", "c\nd\ne") == "a  c\nb  d\n   e"
    assert join_charts("a\x1b[0m\nb", "c\nd\ne").splitlines()[-1] == "   e", "colours take no cells"
    assert join_charts("a\nb\ne", "c\nd") == "a  c\nb  d\ne"


@pytest.mark.parametrize(
    ("data", "exit_code", "step", "words"),
    [
        ("folder:my images", ExitCode.DATA, 0, "run it again; simclr data inspect 'folder:my images' looks"),
        ("cifar10", ExitCode.DATA, 0, "give another --data, and run it again\n"),
        ("folder:images", ExitCode.DATA, 9, "next: do as said above, then simclr resume refused; simclr logs refused"),
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


def y_labels(text):
    """What the y axis says, from its top."""
    return [line.partition("┤")[0].strip() for line in text.splitlines() if "┤" in line]


def chart_of(values, monkeypatch, **options):
    monkeypatch.setattr(chart, "decimate", lambda *_, **__: ([float(x) for x in range(len(values))], values))
    return draw_chart([("run1", None)], "loss", width=60, **options)


@pytest.mark.parametrize(
    ("values", "log_y", "labels"),
    [
        ([4.378, 4.922], False, ["5", "4.8", "4.6", "4.4", "4.2"]),
        ([0.0, 0.08], False, ["0.08", "0.04", "0"]),
        ([3.0, 3.0], False, ["3"]),
        ([0.0, 0.002, 2.0], True, ["1", "0.1", "0.01"]),
        ([1.0, math.inf, math.nan, 2.0], False, ["2", "1.5", "1"]),
    ],
    ids=["both ends are labelled", "from zero", "one value", "zero has no place on a log scale", "not finite"],
)
def test_the_y_axis_has_round_ticks(values, log_y, labels, monkeypatch):
    assert y_labels(chart_of(values, monkeypatch, log_y=log_y)) == labels


def test_what_cannot_be_drawn_is_said(monkeypatch):
    assert chart_of([math.nan] * 2, monkeypatch) == "loss: no value that is a finite number"
    assert chart_of([0.0, -1.0], monkeypatch, log_y=True) == "loss: no value above zero, as a log scale needs"


def test_a_legend_wraps_in_whole_names(run):
    names = ["resnet18-temp01-cosine", "resnet18-temp05-cosine", "resnet18-temp10-cosine"]
    legend = draw_chart([(name, run.history()) for name in names], "loss", width=60, height=12).splitlines()[12:]
    assert [line.split() for line in legend] == [["⠤⠤", names[0], "⠤⠤", names[1]], ["⠤⠤", names[2]]]
