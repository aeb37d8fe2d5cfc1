"""The run's hardware samples, joined over attempts and read while they are written."""

from __future__ import annotations

import math

import msgspec

from simclr_tui.hardware.log import HardwareLog
from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.paths import RunPaths


def write(paths, attempt, samples, tail=b""):
    root = paths.attempt(attempt).root
    root.mkdir(exist_ok=True)
    with paths.attempt(attempt).hardware.open("ab") as file:
        file.write(b"".join(msgspec.json.encode(sample) + b"\n" for sample in samples) + tail)


def samples(first, count, **readings):
    return [HardwareSample(time=float(first + index), **readings) for index in range(count)]


def test_attempts_join_as_seconds_of_training(tmp_path):
    paths = RunPaths(tmp_path)
    write(paths, 1, samples(1000, 5, cpu=0.5))
    write(paths, 2, samples(90_000, 3, cpu=0.25))
    log = HardwareLog(paths)
    assert log.poll()
    assert not log.behind
    assert list(log.time) == [0, 1, 2, 3, 4, 4, 5, 6]
    assert log.points("cpu", 100) == ([0, 1, 2, 3, 4, 4, 5, 6], [0.5] * 5 + [0.25] * 3)
    assert not log.poll()


def test_a_torn_line_waits_and_a_damaged_one_is_left_out(tmp_path):
    paths = RunPaths(tmp_path)
    whole = msgspec.json.encode(HardwareSample(time=11.0, cpu=0.75))
    write(paths, 1, samples(10, 1, cpu=0.5), b"\x00\xffgarbage\n" + whole[:9])
    log = HardwareLog(paths)
    log.poll()
    assert len(log.time) == 1
    write(paths, 1, [], whole[9:] + b"\n")
    log.poll()
    assert list(log.columns["cpu"].values) == [0.5, 0.75]


def test_a_reading_that_comes_and_goes_leaves_gaps(tmp_path):
    paths = RunPaths(tmp_path)
    gpu = GpuSample(index=1, power=300.0)
    write(paths, 1, [*samples(0, 2), HardwareSample(time=2.0, gpus=(gpu,)), *samples(3, 1)])
    log = HardwareLog(paths)
    log.poll()
    _, values = log.points("gpu1.power", 100)
    assert [math.isnan(value) for value in values] == [True, True, False, True]
    assert log.points("gpu0.power", 100) == ([], [])


def test_a_process_that_was_ending_has_no_memory_of_0(tmp_path):
    paths = RunPaths(tmp_path)
    write(paths, 1, [*samples(0, 2, process_rss=600), *samples(2, 1, process_rss=0, cpu=0.5)])
    log = HardwareLog(paths)
    log.poll()
    assert log.latest.process_rss is None
    assert (log.last("process_rss"), log.last("cpu"), log.last("disk_free")) == (600, 0.5, None)


def test_few_points_keep_the_extremes(tmp_path):
    paths = RunPaths(tmp_path)
    write(paths, 1, [HardwareSample(time=float(i), cpu=0.9 if i == 777 else 0.1) for i in range(2000)])
    log = HardwareLog(paths)
    while log.poll(10_000):
        pass
    xs, ys = log.points("cpu", 20)
    assert len(xs) == len(ys) <= 40
    assert max(ys) == 0.9
    assert xs == sorted(xs)


def test_x_never_goes_back_when_the_wall_clock_does(tmp_path):
    paths = RunPaths(tmp_path)
    write(paths, 1, [*samples(1000, 3, cpu=0.1), *samples(500, 3, cpu=0.2)])
    log = HardwareLog(paths)
    log.poll()
    assert list(log.time) == sorted(log.time)


def test_a_value_at_a_moment_is_the_newest_one_known_then(tmp_path):
    paths = RunPaths(tmp_path)
    write(paths, 1, [HardwareSample(time=100.0 + index, disk_free=index) for index in range(5)])
    log = HardwareLog(paths)
    log.poll()
    assert [log.value_at("disk_free", moment) for moment in (-1, 0, 2.9, 3, 99)] == [None, 0, 2, 3, 4]
    assert log.value_at("cpu", 2) is None
    assert log.points("disk_free", 100, (1.5, 2.5)) == ([1, 2, 3], [1, 2, 3]), "with the points beside the span"


def test_a_budget_leaves_the_rest_to_the_next_poll(tmp_path):
    paths = RunPaths(tmp_path)
    write(paths, 1, samples(0, 50, cpu=0.5))
    log = HardwareLog(paths)
    assert log.poll(1000)
    assert log.behind
    assert 0 < len(log.time) < 50
    while log.behind:
        log.poll(1000)
    assert len(log.time) == 50
