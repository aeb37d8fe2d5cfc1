"""F28: a trainer that floods its output is bounded; its end is shown, its metrics are whole, it trains on."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from simclr_tui.errors import StoreError
from simclr_tui.launch.log_limit import LIMIT
from simclr_tui.launch.start import start
from simclr_tui.launch.stop import kill, stop
from simclr_tui.store.log_tail import TAIL, tail_lines
from simclr_tui.store.store import Store
from tests.faults.in_trainer import run_in_trainers
from tests.faults.test_f03_stop import newest_step
from tests.training import tiny_plan, until
from tests.tui.real_terminal import Terminal

FLOOD = """
import os, threading, time
def flood():
    def write(megabytes, piece):
        for _ in range(megabytes):
            os.write(1, piece * (1_000_000 // len(piece)))
            time.sleep(0.01)
    os.write(1, b"the first line\\n")
    write(300, b"a line that says nothing, of a library that says it again and again\\n")
    write(50, b"endless ")
    write(50, b"\\r 12% of a bar that is drawn anew")
    os.write(1, b"\\r100% done\\nthe end of the flood\\n")
threading.Thread(target=flood, daemon=True).start()
"""
WRITTEN = 400_000_000


def bytes_read() -> int:
    """By this process, since it began."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.timeout(1800)
def test_a_flooded_log_is_bounded_and_its_end_is_shown(tmp_path, monkeypatch, fault):
    run_in_trainers(monkeypatch, tmp_path / "code", FLOOD)
    store = Store(tmp_path / "runs")
    for _ in range(fault("F28", 10, r"floods: 300 MB of lines, 50 MB of one line, 50 MB of `\r` bars", few=1)):
        run = start(store, tiny_plan(epochs=100_000, knn_every=0, checkpoint_every=50))
        try:
            followed = flooded_and_stopped(run)
        finally:
            with contextlib.suppress(StoreError):  # it has ended, as it should
                kill(run)
        data = run.paths.attempt(1).log.read_bytes()
        assert b"\nthe first line\n" in b"\n" + data[:10_000]
        assert b" left out here: a log beyond 64.0 MB keeps" in data
        assert "the end of the flood\n" in followed
        steps = run.metric("loss").steps
        assert steps == list(range(1, len(steps) + 1))


def flooded_and_stopped(run) -> str:
    """See the flood to its end, in the dashboard and in `simclr logs -f`, whose words come back."""
    words = [sys.executable, "-m", "simclr_tui.cli.main", "logs", "-f", run.name, "--runs", str(run.path.parent)]
    log, longest = run.paths.attempt(1).log, 0
    following = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    terminal = Terminal(run.path.parent)
    try:
        terminal.until(lambda: run.name in terminal.text)
        terminal.type("3")
        while "the end of the flood" not in tail_lines(log):
            longest = max(longest, log.stat().st_size)
            terminal.read()
        assert longest < WRITTEN / 2
        terminal.until(lambda: any(line[:60] in terminal.text for line in tail_lines(log)[-4:]))
        assert "drawn anew" not in terminal.text
        until(lambda: log.stat().st_size <= LIMIT, what="the last cut")
        before = bytes_read()
        tail_lines(log)
        assert bytes_read() - before < TAIL + 10_000
        step = newest_step(run)
        until(lambda: newest_step(run) > step, what="a step after the flood")
        assert stop(run).state == "stopped"
        print(f"{longest / 1e6:.0f} MB at its longest, {log.stat().st_size / 1e6:.0f} MB at the end")
        return following.communicate(timeout=60)[0]
    finally:
        for process in (terminal.process, following):
            process.kill()
            process.wait()
