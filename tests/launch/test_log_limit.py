"""A log that grows too long keeps its beginning and its end, in order, and says how much is missing."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from simclr_tui.launch.log_limit import LogLimit
from simclr_tui.store.log_tail import LogFollower, tail_lines

SIZES = {"limit": 100_000, "head": 2_000, "tail": 10_000}


def numbered(begin, end):
    return b"".join(b"line %d\n" % number for number in range(begin, end))


def append(log, data):
    with log.open("ab") as file:
        file.write(data)


def numbers(data):
    return [int(number) for number in re.findall(rb"^line (\d+)$", data, re.MULTILINE)]


def test_a_short_log_is_left_alone(tmp_path):
    log = tmp_path / "output.log"
    LogLimit(log, **SIZES).look()
    assert not log.exists()
    log.write_bytes(numbered(0, 9_000))
    LogLimit(log, **SIZES).look()
    assert log.read_bytes() == numbered(0, 9_000)


def test_the_first_and_the_last_lines_stay_and_what_is_missing_is_counted(tmp_path):
    log = tmp_path / "output.log"
    limit, written = LogLimit(log, **SIZES), 0
    for turn in range(1, 4):
        append(log, numbered(written, turn * 20_000))
        written = turn * 20_000
        limit.look()
        data = log.read_bytes()
        assert len(data) < 12_200
        kept = numbers(data)
        assert kept == sorted(set(kept))
        assert kept[0] == 0
        assert kept[-1] == written - 1
        (mark,) = re.findall(rb"^\[(\S+) kB left out here: .*keeps its first 2 kB and its last 10 kB\]$", data, re.M)
        missing = len(numbered(0, written)) - sum(len(b"line %d\n" % number) for number in kept)
        assert abs(int(mark) - missing / 1000) <= 1


@pytest.mark.parametrize("data", [b"x" * 500_000, b"line 0\n" + b"\r 10%" * 100_000, b"x" * 499_990 + b"\nline 7\n"])
def test_a_line_without_an_end_is_cut_like_any_other(tmp_path, data):
    log = tmp_path / "output.log"
    log.write_bytes(data)
    LogLimit(log, **SIZES).look()
    kept = log.read_bytes()
    assert len(kept) < 12_200
    assert b" left out here: " in kept
    assert kept.startswith(data[:7])
    assert kept.endswith(data[-5:])
    assert tail_lines(log)


def test_what_is_written_meanwhile_stays_whole_and_in_order(tmp_path):
    """A process that appends without a pause, in bursts, so that a reader slower than it still catches up."""
    log = tmp_path / "output.log"
    code = (
        "import os, time\n"
        "for n in range(10_000_000):\n"
        "    os.write(1, b'line %d\\n' % n)\n"
        "    if n % 5000 == 0: time.sleep(0.02)"
    )
    with log.open("ab") as output:
        writer = subprocess.Popen([sys.executable, "-c", code], stdout=output)
    limit, cuts, follower, seen = LogLimit(log, **SIZES), 0, LogFollower(log), []
    try:
        while cuts <= 3:
            before = log.stat().st_size
            limit.look()
            cuts += log.stat().st_size < before
            seen += follower.poll()
    finally:  # whatever happened: it would write until the disk is full
        writer.kill()
        writer.wait()
    limit.look()
    seen += follower.poll(ended=True)
    lines = [line for line in log.read_bytes().split(b"\n") if line and b"left out" not in line]
    kept = numbers(log.read_bytes())
    assert len(lines) == len(kept), "a line was torn"
    assert kept == sorted(set(kept))
    read = [int(line[5:]) for line in seen if line.startswith("line ")]
    assert read == sorted(set(read)), "a follower read something twice"
    assert len(read) > len(kept)


def test_a_follower_goes_on_where_it_was_when_the_log_is_shortened(tmp_path):
    log = tmp_path / "output.log"
    log.write_bytes(numbered(0, 10_000))
    limit, follower = LogLimit(log, **SIZES), LogFollower(log)
    assert len(list(follower.poll())) == 10_000
    append(log, numbered(10_000, 10_100) + b"torn")
    limit.look()
    assert list(follower.poll()) == [f"line {number}" for number in range(10_000, 10_100)]
    append(log, b" line\n")
    assert list(follower.poll()) == ["torn line"]
    append(log, numbered(20_000, 40_000))
    limit.look()
    said = list(follower.poll())
    assert "left out here" in said[0], "what was read last is gone"
    assert said[-1] == "line 39999"
