"""F8: torn and damaged metric lines cost themselves only; a torn tail is read once, when it is whole."""

from __future__ import annotations

import random

import pytest

from simclr_tui.paths import RunPaths
from simclr_tui.store.metrics import history as module
from simclr_tui.store.metrics.history import History
from tests.run_factory import metric_line, write_metrics

SEED = 8
LINES = 300


@pytest.fixture(autouse=True, params=["one by one", "in batches"])
def _road(request, monkeypatch):
    """Both ways of reading lines keep the promise."""
    monkeypatch.setattr(module, "_BATCH_FROM", 0 if request.param == "in batches" else 1 << 60)
    monkeypatch.setattr(module, "_SMALLEST_BATCH", 4)


def lines_of(steps: range) -> list[bytes]:
    return [metric_line(step, loss=5.0 - step / 100, lr=0.1) for step in steps]


def read(paths: RunPaths, budget: int | None = None) -> History:
    history = History(paths)
    while history.poll(budget):
        pass
    return history


def test_a_file_cut_at_every_byte_of_its_last_three_lines(tmp_path, fault):
    paths = RunPaths(tmp_path)
    lines = lines_of(range(1, 21))
    path = write_metrics(paths, 1, lines)
    whole = path.read_bytes()
    start = len(whole) - sum(len(line) + 1 for line in lines[-3:])
    cuts = range(start, len(whole) + 1)
    assert fault("F8", len(cuts), "cuts, at every byte of the last three lines", fewest=len(cuts)) == len(cuts)
    for cut in cuts:
        path.write_bytes(whole[:cut])
        history = read(paths)
        assert list(history.step) == list(range(1, 1 + whole[:cut].count(b"\n")))
        assert history.damaged == 0, "a torn line is not a damaged one"
        with path.open("ab") as file:
            file.write(whole[cut:])
        history.poll()
        assert list(history.step) == list(range(1, 21)), "the torn line is read once, when it is whole"
        assert not history.poll()


def damaged(chance: random.Random, lines: list[bytes]) -> tuple[bytes, set[int]]:
    """The log with one thing wrong, and the steps whose lines were touched."""
    at = chance.randrange(len(lines))
    line = lines[at]
    noise = chance.randbytes(chance.randrange(1, 200)).replace(b"\n", b"").replace(b"\r", b"")
    middle = chance.randrange(1, len(line))
    kind = chance.randrange(8)
    if kind == 0:  # garbage between two lines
        changed = [*lines[:at], noise, *lines[at:]]
        return b"\n".join(changed), set()
    if kind == 1:  # a file system that filled a hole with NULs
        return b"\n".join([*lines[:at], b"\0" * len(line), *lines[at + 1 :]]), {at + 1}
    if kind == 2:  # torn, and the next line glued to it
        return b"\n".join([*lines[:at], line[:middle] + b"".join(lines[at + 1 : at + 2]), *lines[at + 2 :]]), {
            at + 1, at + 2,
        }  # fmt: skip
    if kind == 3:  # torn, and closed by the next writer
        return b"\n".join([*lines[:at], line[:middle], *lines[at + 1 :]]), {at + 1}
    if kind == 4:  # another encoding
        return b"\n".join([*lines[:at], line.decode().encode("utf-16-le").replace(b"\n", b""), *lines[at + 1 :]]), {
            at + 1
        }
    if kind == 5:  # bits
        flipped = bytes([line[middle] ^ 0x80])
        return b"\n".join([*lines[:at], line[:middle] + flipped + line[middle + 1 :], *lines[at + 1 :]]), {at + 1}
    if kind == 6:  # one line that is far too long
        return b"\n".join([*lines[:at], b'{"step": [' + b"9" * 100_000, *lines[at:]]), set()
    return b"\n".join([*lines[:at], b"[" * 50_000, *lines[at:]]), set()  # nested without end


def test_generated_damages_never_raise_and_cost_the_touched_lines_only(tmp_path, fault):
    chance = random.Random(SEED)
    paths = RunPaths(tmp_path)
    lines = lines_of(range(1, LINES + 1))
    path = write_metrics(paths, 1, lines)
    for number in range(fault("F8", 1000, "generated damages", SEED)):
        data, touched = damaged(chance, lines)
        path.write_bytes(data + b"\n")
        history = read(paths, chance.choice([None, 1000]))
        lost = set(range(1, LINES + 1)) - set(history.step)
        assert lost <= touched, number
        assert len(history.step) == len(set(history.step)), number
        assert history.damaged <= 1 + len(touched), number
        assert history.damaged or not lost, "a line that is lost is counted"
        assert all(
            history.points("loss").values[step - 1] == 5.0 - step / 100 for step in range(1, min(touched or {9}))
        )
