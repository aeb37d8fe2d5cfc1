"""Wall time of steps from what events tell."""

from __future__ import annotations

from simclr_tui.paths import RunPaths
from simclr_tui.store.events import Event
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.wall_clock import WallTimes

T = 1_700_000_000.0


def history_of(tmp_path, lines):
    history = History(RunPaths(tmp_path))
    for step, seconds in lines:
        history.step.append(step)
        history.time.append(seconds)
    return history


def test_an_evaluation_bounds_the_start_better_than_the_start_itself(tmp_path):
    history = history_of(tmp_path, [(0, 5.0), (1, 6.0), (2, 7.0)])
    started = Event(event="started", wall=T + 3, step=0, attempt=1)
    assert [wall - T for wall in WallTimes(history, [started])] == [8.0, 9.0, 10.0]
    evaluated = Event(event="evaluation", wall=T + 6, step=0, attempt=1)
    assert [wall - T for wall in WallTimes(history, [started, evaluated])] == [6.0, 7.0, 8.0]


def test_attempts_stand_apart_by_the_time_between_them(tmp_path):
    history = history_of(tmp_path, [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)])
    events = [
        Event(event="started", wall=T, step=0, attempt=1),
        Event(event="stopped", wall=T + 2, step=2, attempt=1),
        Event(event="started", wall=T + 3602, step=2, attempt=2),
    ]
    walls = WallTimes(history, events)
    assert [walls[row] - T for row in range(4)] == [1.0, 2.0, 3603.0, 3604.0]
    assert len(walls) == 4


def test_a_clock_that_was_set_back_does_not_turn_x_round(tmp_path):
    history = history_of(tmp_path, [(1, 1.0), (2, 2.0), (3, 3.0)])
    events = [
        Event(event="started", wall=T, step=0, attempt=1),
        Event(event="started", wall=T - 9000, step=2, attempt=2),
    ]
    walls = WallTimes(history, events)
    found = [walls[row] for row in range(3)]
    assert found == sorted(found)


def test_without_events_nothing_is_known(tmp_path):
    assert not WallTimes(history_of(tmp_path, [(1, 1.0)]), []).known
