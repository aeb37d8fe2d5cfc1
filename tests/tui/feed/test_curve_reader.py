"""A long run opened again is on screen as a whole at once, and nothing is told of it that is not known yet."""

from __future__ import annotations

import threading

import pytest

from simclr_tui.bench.fabric import make_metrics, make_store
from simclr_tui.store.metrics import outline as module
from simclr_tui.store.metrics.outline import Outline
from simclr_tui.store.run import Run
from simclr_tui.tui.feed import feed as feeds
from simclr_tui.tui.feed.curve_page import curve_page
from simclr_tui.tui.feed.curve_reader import CurveReader
from simclr_tui.tui.feed.feed import Feed
from simclr_tui.tui.feed.messages import Curves, Request, Settled

STEPS = 6000
BUDGET = 100_000  # bytes, of a log of some 800,000
ALL = Request("run1", columns=40, panels=9)


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    """A run with a log that is long for this test, opened once."""
    monkeypatch.setattr(module, "_WORTH", STEPS)
    monkeypatch.setattr(module, "_BLOCKS", 256)
    store = make_store(tmp_path / "runs", 1)
    store.run("run1").paths.attempt(1).root.rmdir()
    run = store.run("run1")
    make_metrics(run.paths, STEPS)
    reader = CurveReader(run, Outline(run.paths, writes=True))
    whole(reader)
    assert run.paths.outline.exists()
    return run


def whole(reader: CurveReader) -> CurveReader:
    reader.poll(BUDGET)
    while reader.behind:
        reader.poll(BUDGET)
    return reader


def series_of(reader: CurveReader, request: Request = ALL):
    return {panel.key: panel.series[0] for panel in curve_page([reader], request).panels}


def test_every_chart_reaches_to_the_end_before_the_log_is_read(run):
    reader, exact = CurveReader(run, Outline(run.paths)), whole(CurveReader(run))
    assert reader.poll(BUDGET)
    assert reader.behind
    assert not reader.history.step
    page, wanted = curve_page([reader], ALL), curve_page([exact], ALL)
    assert (page.names, page.extent, page.damaged) == (wanted.names, wanted.extent, 0)
    shown, known = series_of(reader), series_of(exact)
    for name, line in known.items():
        assert shown[name].last == line.last
        assert (shown[name].best or [0, None])[1] == (line.best or [0, None])[1]
        assert len(shown[name].xs) > (10 if name == "knn" else 30)
        assert shown[name].xs[-1] == line.xs[-1]
        assert {min(shown[name].ys), max(shown[name].ys)} == {min(line.ys), max(line.ys)}


def test_the_exact_curves_take_its_place(run):
    reader, exact = CurveReader(run, Outline(run.paths)), whole(CurveReader(run))
    reader.poll(BUDGET)
    reader.poll(BUDGET)
    assert reader.outlined, "it stays until all is read"
    assert reader.extent("step") == (1.0, STEPS)
    assert not whole(reader).outlined
    assert curve_page([reader], ALL) == curve_page([exact], ALL)
    assert reader.earlier("knn") == exact.earlier("knn") is not None


def test_what_needs_every_value_is_unknown_until_it_is_read(run):
    at = Request("run1", columns=40, panels=9, cursor=STEPS / 3)
    reader = CurveReader(run, Outline(run.paths))
    reader.poll(BUDGET)
    assert [line.at for line in series_of(reader, at).values()] == [None] * 6
    assert curve_page([reader], at).step is None
    assert reader.earlier("knn") is None
    assert curve_page([whole(reader)], at).step == STEPS // 3


@pytest.mark.parametrize("axis", ["step", "wall"])
def test_an_average_is_drawn_as_far_as_the_log_is_read_over_the_outline(run, axis):
    averaged = Request("run1", columns=40, panels=9, smoothing=0.02)
    reader = CurveReader(run, Outline(run.paths))
    reader.poll(BUDGET)
    assert not series_of(reader, averaged)["loss"].raw
    reader.poll(BUDGET)
    line = series_of(reader, averaged)["loss"]
    assert line.raw_xs[-1] == STEPS
    assert 0 < line.xs[-1] < STEPS / 2
    assert series_of(whole(reader), averaged)["loss"].xs[-1] == STEPS


def test_a_new_attempt_ends_it(run):
    reader = CurveReader(run, Outline(run.paths))
    reader.poll(BUDGET)
    run.paths.attempt(2).root.mkdir()
    run.paths.attempt(2).metrics.write_bytes(b'{"step":100,"epoch":0.2,"time":1.0,"loss":9.0}\n')
    reader.poll(BUDGET)
    assert not reader.outlined
    assert whole(reader).extent("step") == (1.0, 100.0)


@pytest.mark.parametrize("keeps", [True, False])
def test_the_feed_draws_it_first_and_leaves_one_only_where_it_may(run, keeps, monkeypatch):
    monkeypatch.setattr(feeds, "BUDGET", BUDGET)
    monkeypatch.setattr(feeds, "_LEAST", BUDGET)
    settled = threading.Event()

    def drawn() -> list[Curves]:
        told: list[object] = []
        settled.clear()

        def post(snapshot):
            told.append(snapshot)
            if isinstance(snapshot, Settled):
                settled.set()

        feed = Feed(run.path.parent, post, told.append, keeps_outlines=keeps)
        feed.ask(ALL)
        feed.start()
        try:
            assert settled.wait(60)
        finally:
            feed.stop()
            feed.join(60)
        assert not [one for one in told if isinstance(one, Exception)]
        return [one for one in told if isinstance(one, Curves)]

    assert {page.extent for page in drawn()} == {(1, STEPS)}, "from the first chart on"
    run.paths.outline.unlink()
    assert len({page.extent for page in drawn()}) > 4
    assert run.paths.outline.exists() is keeps
