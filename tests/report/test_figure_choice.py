"""What a figure shows is read from the options of `simclr plot`, offered for the runs, and refused in one sentence."""

from __future__ import annotations

import pytest

from simclr_tui.errors import RecipeError
from simclr_tui.report.figure_choice import FigureChoice, complete_choice, offered, parse_choice, usual_choice
from tests.run_factory import make_run


@pytest.fixture
def runs(tmp_path):
    logged = {"summary": {"loss": 4.0}}
    return [
        make_run(tmp_path, "a", flags={"temp": 0.5}, **logged),
        make_run(tmp_path, "b", flags={}),
        make_run(tmp_path, "c", flags={"temp": 0.1, "seed": 1}, **logged),
    ]


def test_options_are_those_of_the_command():
    assert parse_choice("--metric loss,knn,loss --x epoch --group temp") == FigureChoice(
        ("loss", "knn"), "epoch", "temp"
    )
    assert parse_choice("--x=time") == FigureChoice(axis="time")
    assert parse_choice("") == FigureChoice()
    assert parse_choice("--metric 'my own metric'").metrics == ("my own metric",)
    assert parse_choice("--group temperature").group == "temp"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--metrik loss", "no option '--metrik'"),
        ("loss", "no option 'loss'"),
        ("--x hours", "no x axis 'hours' — it is one of step, epoch, time"),
        ("--metric", "--metric needs a value — as in --metric loss"),
        ("--metric --x step", "--metric needs a value"),
        ("--group temprature", "no field 'temprature'"),
        ("--metric 'loss", "a quotation mark is not closed"),
    ],
)
def test_what_is_not_understood_is_one_sentence(text, said):
    with pytest.raises(RecipeError) as caught:
        parse_choice(text)
    assert said in str(caught.value)


def test_what_is_offered_fits_the_runs(runs):
    assert usual_choice(runs) == "--metric loss --x step"
    assert parse_choice(usual_choice(runs)) == FigureChoice(("loss",))
    metrics, axes, groups = offered(runs).splitlines()
    assert {"loss", "knn", "rank_h"} <= set(metrics.split())
    assert axes.split() == ["--x", "step", "epoch", "time"]
    assert groups.split() == ["--group", "temp"]
    assert "no field differs" in offered(runs[:1])


@pytest.mark.parametrize(
    ("begun", "whole"),
    [
        ("--metric los", "--metric loss"),
        ("--metric loss,rank_", "--metric loss,rank_h"),
        ("--metric loss --gr", "--metric loss --group"),
        ("--group t", "--group temp"),
        ("--x e", "--x epoch"),
    ],
)
def test_a_word_is_completed(runs, begun, whole):
    assert complete_choice(begun, runs)[0] == whole


def test_it_says_in_words_what_is_drawn():
    assert (
        FigureChoice(("loss", "knn"), "epoch", "temp").words == "loss, knn over epochs, a line per temp, its mean ± std"
    )
    assert FigureChoice(axis="time").words == "what was logged of loss, knn over time, a line per run"
