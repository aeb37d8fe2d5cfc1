"""F27: a run of a million steps is drawn from its first piece on, each of its lines read once, and none is missed that
is written meanwhile; docs/control-plane.md has what it takes."""

from __future__ import annotations

import threading

import pytest

from simclr_tui.bench.fabric import FIVE, make_metrics, make_store
from simclr_tui.regular_file import open_regular
from simclr_tui.store.metrics import history as histories
from simclr_tui.store.metrics.history import History
from simclr_tui.store.state import State, write_state
from simclr_tui.tui.feed import feed as feeds
from simclr_tui.tui.feed.feed import Feed
from simclr_tui.tui.feed.messages import Curves, Detail, Request

MILLION = 1_000_000
LINE = b'{"step":%d,"epoch":%.6f,"time":%.4f,"loss":%.6f}\n'
LONGEST = 200  # bytes of a line, more than any has


class Counted:
    """An open file that notes each piece of it that is read, as (offset, bytes)."""

    def __init__(self, path):
        self.file = open_regular(path)
        self.seek, self.readline = self.file.seek, self.file.readline

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def read(self, limit=-1):
        at, data = self.file.tell(), self.file.read(limit)
        PIECES.append((at, len(data)))
        return data


PIECES: list[tuple[int, int]] = []


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path / "runs", 1)
    store.run("run1").paths.attempt(1).root.rmdir()
    return store


@pytest.mark.timeout(600)
def test_every_line_is_read_once_and_none_is_missed_that_is_written_meanwhile(store, fault, full_faults, monkeypatch):
    steps = fault("F27", MILLION, "steps read in pieces while more were written")
    paths = store.run("run1").paths
    make_metrics(paths, steps)
    metrics = paths.attempt(1).metrics
    budget = 12_000_000 if full_faults else 1_000_000
    history, polls, written = History(paths), 0, steps
    monkeypatch.setattr(histories, "open_regular", Counted)
    PIECES.clear()
    torn = b""
    with metrics.open("ab", buffering=0) as live:
        while history.poll(budget) or torn:
            polls += 1
            if polls == 1:
                assert 0 < history.step[-1] < steps, "what is drawn first is not the whole"
            if polls <= 8:  # a line and a half each time: a torn one is read when it is whole
                for _ in range(2):
                    written += 1
                    line = LINE % (written, written / 390, written / 10, 4.5)
                    live.write(torn + line[:20] if _ else torn + line)
                    torn = line[20:] if _ else b""
            elif torn:
                live.write(torn)
                torn = b""
    assert polls > 8
    trained = [row for row in range(len(history.step)) if not row or history.step[row] != history.step[row - 1]]
    assert [history.step[row] for row in trained] == list(range(1, written + 1))
    assert len(history.columns["loss"].rows) == written
    assert history.damaged == 0
    ends = [at + length for at, length in PIECES]
    again = sum(max(0, end - at) for end, (at, _) in zip(ends, PIECES[1:], strict=False))
    assert again <= LONGEST * len(PIECES)  # only a line that a piece had cut is looked at again
    assert sum(length for _, length in PIECES) <= metrics.stat().st_size + again
    assert max(length for _, length in PIECES) <= budget + LONGEST


@pytest.mark.timeout(600)
def test_the_dashboard_tells_the_newest_state_then_draws_piece_after_piece(store, fault, full_faults, monkeypatch):
    steps = fault("F27", MILLION, "steps drawn by the dashboard's reader, its first chart before the last was read")
    if not full_faults:
        monkeypatch.setattr(feeds, "BUDGET", 1_000_000)
    run = store.run("run1")
    make_metrics(run.paths, steps)
    write_state(run.paths, State(state="finished", since=1.7e9, step=steps, steps=steps, steps_per_epoch=390))
    told, whole = [], threading.Event()

    def post(snapshot):
        told.append(snapshot)
        if isinstance(snapshot, Curves) and snapshot.extent and snapshot.extent[1] == steps:
            whole.set()

    feed = Feed(store.root, post, told.append)
    feed.ask(Request("run1", tab="curves", columns=120))
    feed.start()
    try:
        assert whole.wait(300)
    finally:
        feed.stop()
        feed.join(60)
    assert not [one for one in told if isinstance(one, Exception)]
    shown = [one for one in told if isinstance(one, Detail | Curves)]
    assert isinstance(shown[0], Detail)
    assert shown[0].state.step == steps
    charts = [one for one in shown if isinstance(one, Curves)]
    ends = [chart.extent[1] for chart in charts]
    assert ends == sorted(ends)
    assert 0 < ends[0] < steps
    assert len(charts) >= 5
    points = [len(series.xs) for panel in charts[-1].panels for series in panel.series]
    assert len(points) == 4
    assert 0 < max(points) <= 4 * 120
    assert set(FIVE[:2]) <= set(charts[-1].names)
