"""Parallel coordinates of a sweep as text."""

from __future__ import annotations

from collections import Counter

from simclr_tui.cli.parallel_coordinates import parallel_lines
from simclr_tui.sweep.axes import parse_axis
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.results import TrialResult

AXES = (parse_axis("temp", "0.01:1:log"), parse_axis("head", "linear,none,mlp"), parse_axis("bs", "128"))


def drawn(*trials, columns=80):
    sweep = Sweep(name="s", sampler="random", trials=len(trials), seeds=(0,), axes=AXES)
    results = [
        TrialResult(number, {"temp": temp, "head": head, "bs": 128}, ("run1",), Counter(), scores, None)
        for number, (temp, head, *scores) in enumerate(trials)
    ]
    return parallel_lines(sweep, results, columns)


def test_each_trial_crosses_the_axes_at_its_values_and_the_best_are_named():
    lines = drawn((0.01, "linear", 0.1), (0.1, "mlp", 0.2), (1.0, "none", 0.5), (0.01, "none", 0.3), (1.0, "mlp", 0.4))
    names, top, *body, bottom = lines
    assert names.split() == ["temp", "head", "kNN"]  # bs is the same for all
    assert (top.split(), bottom.split()) == (["1", "none", "50.0%"], ["0.01", "linear", "10.0%"])
    first, second, last = (names.index(name) + len(name) // 2 for name in ("temp", "head", "kNN"))
    assert body[0][first] == body[0][second] == body[0][last] == "1"
    assert [line[last] for line in body if line[last] != "|"] == ["1", "2", "3", "+", "+"]
    assert body[5][first] == "+"  # half way on a log axis
    assert max(map(len, lines)) <= 80


def test_without_two_scores_there_is_nothing_to_draw_and_a_narrow_terminal_is_enough():
    assert drawn((0.1, "mlp", 0.2)) == drawn((0.1, "mlp", 0.2), (1.0, "none")) == []
    assert drawn((0.1, "mlp", 0.2), (0.1, "mlp", 0.3)) == []
    assert max(map(len, drawn((0.1, "mlp", 0.2), (1.0, "none", 0.3), columns=40))) <= 40
