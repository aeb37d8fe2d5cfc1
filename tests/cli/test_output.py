"""What verbs print through `output`."""

from __future__ import annotations

import io
import sys

import pytest

from simclr_tui.cli import output

HOSTILE = "a\nb\x1b[31m\x9b\u202e\udcff\\"


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_a_long_list_is_the_same_json_as_a_short_one(capsys, count):
    values = [{"name": f"run{number}", "note": HOSTILE, "tags": [], "knn": None} for number in range(count)]
    output.data_json(values)
    whole = capsys.readouterr().out
    output.data_json_list(iter(values))
    assert capsys.readouterr().out == whole


def test_a_long_list_is_written_while_it_is_read(monkeypatch):
    written, seen = io.StringIO(), []
    monkeypatch.setattr(sys, "stdout", written)

    def values():
        for number in range(300):
            seen.append(written.getvalue().count("run"))
            yield f"run{number}"

    output.data_json_list(values())
    assert seen[99] == 0
    assert seen[100] == 100
    assert seen[299] == 200
    assert written.getvalue().count("run") == 300
