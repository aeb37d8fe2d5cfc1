"""An hour of eight runs that write and two dashboards that show them: no line is lost, and memory stays flat."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

import psutil
import pytest

from simclr_tui.store.metrics.history import History
from simclr_tui.store.state import read_state
from tests.run_factory import make_run
from tests.tui.real_terminal import Terminal

RUNS = 8
STEPS_PER_S = 10
MEGABYTE = 1e6
# MB that a dashboard may take in its second half. In an hour, the points of eight curves are 30 of them, and NumPy,
# which it imports for the first curve of 20,000 steps, is 13.
GROWTH = 60

# A run as far as its folder tells: what a trainer writes, through what it writes with, and nothing computed.
WRITING = """
import itertools, math, sys, time
from pathlib import Path

from simclr_tui.paths import RunPaths
from simclr_tui.train.observe.reporter import Reporter
stop, rate = Path(sys.argv[2]), float(sys.argv[3])
report = Reporter(RunPaths(Path(sys.argv[1])))
report.starting("reading")
report.running(10**7, 390, 0, facts={})
began = time.monotonic()
for step in itertools.count(1):
    loss = 5 + math.sin(step / 500)
    values = {"loss": loss, "lr": 0.3, "contrastive_top1": 0.5, "images_per_s": 800.0, "grad_norm": 1.0}
    report.write_metrics(step, values)
    report.progress(step, {"loss": loss})
    if step % 390 == 0:
        report.evaluated(step, {"knn": 0.5, "rank_h": 60.0, "rank_z": 40.0})
    if stop.exists():
        break
    time.sleep(max(0.0, began + step / rate - time.monotonic()))
report.ended("finished", "stopped", 0)
print(step, flush=True)
"""


@pytest.fixture
def soaked(tmp_path):
    """Eight writers and two dashboards, ended whatever happens."""
    root, stop = tmp_path / "runs", tmp_path / "stop"
    runs = [make_run(root, state="starting", attempt=1) for _ in range(RUNS)]
    words = [[sys.executable, "-c", WRITING, run.paths.root, stop, str(STEPS_PER_S)] for run in runs]
    logs = [run.paths.attempt(1).log.open("wb") for run in runs]
    writers = [subprocess.Popen(one, stdout=log, stderr=log) for one, log in zip(words, logs, strict=True)]
    terminals = [Terminal(root, XDG_STATE_HOME=str(tmp_path / f"state{number}")) for number in range(2)]
    yield runs, writers, terminals, stop
    for terminal in terminals:
        terminal.close()
    for writer, log in zip(writers, logs, strict=True):
        writer.kill()
        writer.wait()
        log.close()


@pytest.mark.timeout(2 * 3600)
def test_an_hour_of_writing_and_watching_loses_no_line_and_takes_no_memory(soaked, fault):
    runs, writers, (still, busy), stop = soaked
    seconds = fault("F34", 3600, "seconds of eight runs writing, ten steps a second each, and two dashboards", few=15)
    for terminal in (still, busy):
        terminal.until(lambda now=terminal: "loss NT-Xent" in now.text and "run8" in now.text)
    memory = _watch(still, busy, seconds)
    stop.touch()
    ended = [writer.wait(60) for writer in writers]
    for terminal in (still, busy):
        terminal.until(lambda now=terminal: f"{RUNS} finished" in now.text)

    assert ended == [0] * RUNS
    for run in runs:
        history = History(run.paths)
        while history.poll():
            pass
        last = int(run.paths.attempt(1).log.read_text().split()[-1])
        assert history.points("loss").steps == list(range(1, last + 1))
        assert history.points("knn").steps == list(range(390, last + 1, 390))
        state = read_state(run.paths)
        assert (state.state, state.step) == ("finished", last)
        assert last > 0.9 * seconds * STEPS_PER_S
    for samples in memory:
        middle = median(samples[len(samples) * 4 // 10 : len(samples) * 6 // 10])
        last = median(samples[len(samples) * 9 // 10 :])
        print(f"memory of a dashboard: {middle / MEGABYTE:.1f} MB half way, {last / MEGABYTE:.1f} MB at the end")
        assert last - middle < GROWTH * MEGABYTE


def _watch(still: Terminal, busy: Terminal, seconds: int) -> list[list[int]]:
    """Keep both dashboards drawing, one of them moving from run to run; bytes each held, every half second."""
    memory: list[list[int]] = [[], []]
    processes = [psutil.Process(one.process.pid) for one in (still, busy)]
    end = time.monotonic() + seconds
    keys = "jjjjjjjkkkkkkk"
    while (now := time.monotonic()) < end:
        if len(memory[0]) % 10 == 9:
            busy.type(keys[len(memory[0]) // 10 % len(keys)])
        while time.monotonic() < now + 0.5:
            for terminal in (still, busy):
                _drain(terminal)
        for samples, process in zip(memory, processes, strict=True):
            samples.append(process.memory_info().rss)
    return memory


def _drain(terminal: Terminal) -> None:
    """Read what it drew, and forget it: an hour of it would fill the memory of the test."""
    terminal.read(0.1)
    terminal.output = b""
