"""A long history opened again is drawn from a few points of it: each of them true, none from a log that has changed."""

from __future__ import annotations

import functools
import math
import os
import random
import shutil
import zlib

import msgspec
import pytest

from simclr_tui.paths import RunPaths
from simclr_tui.store.metrics import outline as module
from simclr_tui.store.metrics.downsample import decimate
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.outline import Outline, write_outline
from tests.run_factory import metric_line, write_metrics

BLOCKS = 64
STEPS = 3000
FIRST = 1700  # steps of the first attempt; the second begins at RESUMED
RESUMED = 1500
DIVERGED = range(2000, 2300)  # steps whose loss is no number
BUDGET = 1 << 30


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(module, "_BLOCKS", BLOCKS)
    monkeypatch.setattr(module, "_WHOLE", 4 * BLOCKS)
    monkeypatch.setattr(module, "_WORTH", 1000)
    monkeypatch.setattr(module, "_AGAIN", 500)


@functools.cache
def lines_of(steps: range, seed: int = 0) -> list[bytes]:
    draw = random.Random(seed)
    lines = []
    for step in steps:
        loss = None if step in DIVERGED else draw.gauss(5, 1)
        lines.append(metric_line(step, loss=loss, lr=draw.random()))
        if step % 40 == 0:
            lines.append(metric_line(step, knn=draw.random()))
    return lines


@pytest.fixture
def paths(tmp_path) -> RunPaths:
    """A run of two attempts that overlap, and its outline."""
    paths = RunPaths(tmp_path / "run1")
    paths.root.mkdir()
    write_metrics(paths, 1, lines_of(range(1, FIRST + 1), seed=1))
    write_metrics(paths, 2, lines_of(range(RESUMED, STEPS + 1), seed=2))
    write_outline(paths, read(paths))
    return paths


def read(paths: RunPaths) -> History:
    history = History(paths)
    while history.poll():
        pass
    return history


def opened(paths: RunPaths) -> History:
    outline = Outline(paths)
    assert outline.open(BUDGET)
    assert outline.history is not None
    return outline.history


def append(paths: RunPaths, lines: list[bytes], attempt: int = 2) -> None:
    with paths.attempt(attempt).metrics.open("ab") as file:
        file.writelines(line + b"\n" for line in lines)


def places_of(history: History, metric: str) -> set[tuple[int, float, float, float | None]]:
    """Every point of a metric as step, epoch, seconds and value; NaN as None."""
    column = history.columns[metric]
    return {
        (history.step[row], history.epoch[row], history.time[row], None if math.isnan(value) else value)
        for row, value in zip(column.rows, column.values, strict=True)
    }


def lowest_highest(history: History, metric: str, steps: range) -> tuple[float, float]:
    points = zip(*history.points(metric), strict=True)
    values = [value for step, value in points if step in steps and not math.isnan(value)]
    return min(values, default=math.nan), max(values, default=math.nan)


def assert_outlines(found: History, whole: History) -> None:
    assert list(found.columns) == list(whole.columns)
    assert (found.step[0], found.step[-1]) == (whole.step[0], whole.step[-1])
    assert (found.epoch[-1], found.time[-1]) == (whole.epoch[-1], whole.time[-1])
    for metric, column in whole.columns.items():
        assert places_of(found, metric) <= places_of(whole, metric)
        assert found.last(metric) == whole.last(metric)
        assert found.columns[metric].extremes.range(0, BUDGET) == column.extremes.range(0, BUDGET)


def test_every_point_was_measured_and_the_ends_the_newest_and_the_best_values_are_kept(paths):
    whole, found = read(paths), opened(paths)
    assert_outlines(found, whole)
    assert len(found.columns["loss"].rows) <= 4 * BLOCKS + 2
    assert found.points("knn") == whole.points("knn"), "a metric of few values is kept whole"
    low, high = whole.best("lr", highest=False), whole.best("lr", highest=True)
    assert (found.best("lr", highest=False), found.best("lr", highest=True)) == (low, high)


@pytest.mark.parametrize("metric", ["loss", "lr"])
def test_a_column_of_a_chart_lacks_an_extreme_only_to_the_next_block(paths, metric):
    whole, found, draw = read(paths), opened(paths), random.Random(3)
    block = -(-STEPS // BLOCKS) + 1
    for _ in range(50):
        start = draw.randrange(1, STEPS - 4 * block)
        stop = draw.randrange(start + 2 * block, STEPS + 1)
        low, high = lowest_highest(found, metric, range(start, stop))
        inner_low, inner_high = lowest_highest(whole, metric, range(start + block, stop - block))
        outer_low, outer_high = lowest_highest(whole, metric, range(start, stop))
        if not math.isnan(inner_low):
            assert outer_low <= low <= inner_low
            assert inner_high <= high <= outer_high


def test_a_stretch_without_numbers_stays_a_gap(paths):
    xs, ys = decimate(opened(paths), "loss", 20)
    gap = [x for x, y in zip(xs, ys, strict=True) if math.isnan(y)]
    assert gap
    assert all(x in DIVERGED for x in gap)
    assert not [x for x, y in zip(xs, ys, strict=True) if not math.isnan(y) and x in range(2050, 2250)]


@pytest.mark.parametrize("count", [1, 40, 700])
def test_what_was_logged_since_is_added(paths, count):
    append(paths, [*lines_of(range(STEPS + 1, STEPS + count + 1), seed=4), metric_line(STEPS + count, new=1.0)])
    whole, found = read(paths), opened(paths)
    assert_outlines(found, whole)
    assert places_of(found, "loss") >= {one for one in places_of(whole, "loss") if one[0] > STEPS}
    assert found.last("new") == 1.0


def test_a_torn_last_line_is_read_when_it_is_whole(paths):
    (line,) = lines_of(range(STEPS + 1, STEPS + 2))
    log = paths.attempt(2).metrics
    with log.open("ab") as file:
        file.write(line[:9])
    write_outline(paths, read(paths))
    outline = Outline(paths)
    assert outline.open(BUDGET)
    with log.open("ab") as file:
        file.write(line[9:] + b"\n")
    assert outline.follow(BUDGET)
    assert outline.history is not None
    assert_outlines(outline.history, read(paths))


def test_a_run_that_was_renamed_keeps_its_outline(paths):
    moved = RunPaths(paths.root.rename(paths.root.with_name("other")))
    assert_outlines(opened(moved), read(moved))


def cut(paths):
    os.truncate(paths.attempt(2).metrics, 5000)


def rewritten(paths):
    log = paths.attempt(2).metrics
    data = log.read_bytes()
    log.rename(log.with_name("old"))
    log.write_bytes(data)


def other_end(paths):
    log = paths.attempt(2).metrics
    data, time = log.read_bytes(), log.stat().st_mtime_ns
    log.write_bytes(data[:-20] + b"9" * 18 + b"}\n")
    os.utime(log, ns=(time, time))


def edited(paths):
    log = paths.attempt(1).metrics
    data, time = log.read_bytes(), log.stat().st_mtime_ns
    log.write_bytes(data.replace(b"loss", b"Loss", 1))
    os.utime(log, ns=(time, time + 1_000_000))


def cut_and_grown(paths):
    data = paths.attempt(2).metrics.read_bytes()
    paths.attempt(2).metrics.write_bytes(data[:5000] + b"\n" + data)


def resumed(paths):
    write_metrics(paths, 3, lines_of(range(2500, 2600)))


def earlier_attempt_grown(paths):
    append(paths, lines_of(range(FIRST + 1, FIRST + 9)), attempt=1)


def attempt_gone(paths):
    shutil.rmtree(paths.attempt(1).root)


def damaged_line(paths):
    append(paths, [b'{"step":9000,"epo'])


def step_back(paths):
    append(paths, lines_of(range(STEPS - 1, STEPS)))


def copied(paths):
    shutil.copytree(paths.root, paths.root.with_name("copy"))
    shutil.rmtree(paths.root)
    paths.root.with_name("copy").rename(paths.root)


def no_outline(paths):
    paths.outline.unlink()


def empty(paths):
    paths.outline.write_bytes(b"")


def half(paths):
    data = paths.outline.read_bytes()
    paths.outline.write_bytes(data[: len(data) // 2])


def flipped(paths):
    data = bytearray(paths.outline.read_bytes())
    data[len(data) // 2] ^= 1
    paths.outline.write_bytes(data)


def changed(paths, **fields):
    contents = msgspec.msgpack.decode(paths.outline.read_bytes()[4:]) | fields
    body = msgspec.msgpack.encode(contents)
    paths.outline.write_bytes(zlib.crc32(body).to_bytes(4, "little") + body)


def newer_format(paths):
    changed(paths, format=2)


def other_machine(paths):
    changed(paths, byte_order="big")


def rows_beyond_the_end(paths):
    eight = (1 << 40).to_bytes(8, "little")
    changed(paths, columns={"loss": {"rows": eight, "values": eight}})


def uneven(paths):
    changed(paths, epoch=bytes(8))


def a_link(paths):
    paths.outline.rename(paths.root / "elsewhere")
    paths.outline.symlink_to(paths.root / "elsewhere")


def a_pipe(paths):
    paths.outline.unlink()
    os.mkfifo(paths.outline)


@pytest.mark.parametrize(
    "happened",
    [
        cut, rewritten, other_end, edited, cut_and_grown, resumed, earlier_attempt_grown, attempt_gone, damaged_line,
        step_back, copied, no_outline, empty, half, flipped, newer_format, other_machine, rows_beyond_the_end, uneven,
        a_link, a_pipe,
    ],
)  # fmt: skip
def test_an_outline_that_may_not_hold_is_left_aside(paths, happened):
    happened(paths)
    outline = Outline(paths)
    assert not outline.open(BUDGET)
    assert outline.history is None


@pytest.mark.parametrize("happened", [resumed, damaged_line, step_back])
def test_an_outline_that_no_longer_holds_is_given_up(paths, happened):
    outline = Outline(paths)
    assert outline.open(BUDGET)
    happened(paths)
    assert not outline.follow(BUDGET)
    assert outline.history is None


def closed(paths: RunPaths, **settings) -> bool:
    """Whether a look at the whole history wrote an outline."""
    paths.outline.unlink(missing_ok=True)
    outline = Outline(paths, **settings)
    assert not outline.open(BUDGET)
    assert not outline.close(read(paths))
    return paths.outline.exists()


def test_an_outline_is_left_for_a_long_log_in_a_folder_of_ones_own(paths, monkeypatch):
    assert closed(paths, writes=True)
    assert opened(paths)
    assert not closed(paths)
    monkeypatch.setattr(module, "_WORTH", 10_000)
    assert not closed(paths, writes=True), "a short log is read at once"
    monkeypatch.undo()
    monkeypatch.setattr(module.os, "geteuid", lambda: os.getuid() + 1)
    assert not closed(paths, writes=True), "another user's run"


def test_it_is_written_again_only_after_many_more_lines(paths):
    outline = Outline(paths, writes=True)
    assert outline.open(BUDGET)
    before = paths.outline.stat().st_ino
    assert outline.close(read(paths)), "it has stood in for the history"
    assert not outline.close(read(paths))
    assert paths.outline.stat().st_ino == before
    append(paths, lines_of(range(STEPS + 1, STEPS + 600)))
    outline.close(read(paths))
    assert paths.outline.stat().st_ino != before
    assert_outlines(opened(paths), read(paths))


def test_an_outline_that_cannot_be_written_is_missed_by_nobody(paths):
    paths.outline.unlink()
    paths.outline.mkdir()
    outline, before = Outline(paths, writes=True), sorted(paths.root.iterdir())
    assert not outline.open(BUDGET)
    assert not outline.close(read(paths))
    assert sorted(paths.root.iterdir()) == before


def test_a_log_with_a_new_name_in_every_line_has_none(tmp_path):
    paths = RunPaths(tmp_path)
    write_metrics(paths, 1, [metric_line(step, **{f"m{step}": 1.0}) for step in range(300)])
    write_outline(paths, read(paths))
    assert not paths.outline.exists()
