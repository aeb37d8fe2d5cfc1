"""Charts of runs that differ only in their seed: one line, their mean, between the ends of its interval."""

from __future__ import annotations

import math

import msgspec
import pytest

from simclr_tui.catalog.compare import compare
from simclr_tui.catalog.spread import spread_of
from simclr_tui.store.state import write_state
from simclr_tui.tui.feed.curve_page import curve_page
from simclr_tui.tui.feed.curve_reader import CurveReader
from simclr_tui.tui.feed.messages import Request
from simclr_tui.tui.feed.window import Window
from tests.tui.driving import dashboard, press, screen_text, until
from tests.tui.runs_fabric import CREATED, fabricate

NAMES = ("a", "b", "c", "other", "bad")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    for place, (name, recipe) in enumerate(
        zip(NAMES, [{"seed": 0}, {"seed": 1}, {"seed": 2}, {"temp": 0.1}, {"seed": 3}], strict=True)
    ):
        state = "stopped" if name == "bad" else "finished"
        fabricate(root, name, state, created=CREATED - place, steps=120, **recipe)
    return root


@pytest.fixture(scope="module")
def runs(root):
    from simclr_tui.store.store import Store

    return [Store(root).run(name) for name in NAMES]


def panel(runs, metric, **request):
    readers = [CurveReader(run) for run in runs]
    for reader in readers:
        while reader.poll(1 << 20):
            pass
    asked = Request(marked=tuple(run.name for run in runs), pattern=metric, **request)
    return curve_page(readers, asked, seeds=compare(runs).averaged).panels[0]


def test_the_seeds_that_count_become_their_mean_between_the_ends_of_its_interval(runs):
    shown = panel(runs, "knn", columns=100)
    assert [series.label for series in shown.series] == ["a ×3 seeds", "other", "bad"]
    logged = [dict(zip(*run.history().points("knn"), strict=True)) for run in runs[:3]]
    line = shown.series[0]
    assert line.xs == tuple(logged[0])
    count = len(line.xs)
    assert math.isnan(line.raw[count])
    for place, step in enumerate(logged[0]):
        found = spread_of([run[step] for run in logged])
        assert line.ys[place] == pytest.approx(100 * found.mean)
        assert line.raw[place] == pytest.approx(100 * (found.mean - found.half))
        assert line.raw[count + 1 + place] == pytest.approx(100 * (found.mean + found.half))
    assert line.last == line.ys[-1]


def test_seeds_on_other_held_out_images_have_a_mean_loss_and_no_mean_accuracy(root, runs):
    states = [run.status for run in runs[:3]]
    for run, state, digest in zip(runs, states, ("then", "now", ""), strict=False):
        facts = state.facts | ({"validation_digest": digest} if digest else {})
        write_state(run.paths, msgspec.structs.replace(state, facts=facts))
    try:
        assert [series.label for series in panel(runs, "knn").series] == list(NAMES)
        assert panel(runs, "loss").series[0].label == "a ×3 seeds"
        assert [series.label for series in panel(runs[1:3], "knn").series] == ["b ×2 seeds"]  # of one it is not known
    finally:
        for run, state in zip(runs, states, strict=False):
            write_state(run.paths, state)


def test_a_zoomed_line_reaches_to_the_edges_of_the_chart_and_the_cursor_reads_the_mean(runs):
    epochs = panel(runs, "loss", columns=100, axis="epoch").series[0]
    assert (epochs.xs[0], epochs.xs[-1]) == (1 / 20, 120 / 20)
    steps = panel(runs, "loss", window=Window(20.0, 60.0), columns=100, cursor=50.0).series[0]
    assert (steps.xs[0], steps.xs[-1]) == (39.0, 61.0)
    assert steps.at == steps.ys[steps.xs.index(50.0)]
    assert len(panel(runs, "loss", columns=10).series[0].xs) <= 21


def test_speed_is_drawn_run_by_run(runs):
    assert [series.label for series in panel(runs, "images_per_s").series] == list(NAMES)


async def test_the_comparison_shows_seeds_as_one_line(root):
    async with dashboard(root) as (app, pilot):
        await press(app, pilot, "space", "down", "space", "down", "space", "equals_sign")
        await until(pilot, lambda: "×3 seeds" in screen_text(app))
        assert len(app.screen.curves.chosen.series) == 1
