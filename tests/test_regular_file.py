"""Files that anybody may have put into a run folder are opened through one door, which waits for nothing."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

import simclr_tui
from simclr_tui.atomic import LineWriter, Lock, write_file
from simclr_tui.regular_file import append_regular, open_regular, read_small, read_small_text

PACKAGE = Path(simclr_tui.__file__).parent
ROOMS = ("store", "launch", "sweep")
# What is no file of a run: the kernel's, our own sources, a file that the user names on the command line.
ELSEWHERE = {
    "store/process.py",
    "launch/provenance.py",
    "launch/foreign.py",
    "sweep/files.py",
    "store/export/target.py",
}
DOORS = {"read_bytes", "read_text", "open"}


def fifo(path):
    os.mkfifo(path)


def link(path):
    (path.parent / "target").write_bytes(b"theirs")
    path.symlink_to("target")


def folder(path):
    path.mkdir()


def sparse(path):
    path.touch()
    os.truncate(path, 20 * 10**9)


KINDS = (fifo, link, folder, sparse)


@pytest.mark.parametrize("put", KINDS)
def test_what_is_no_small_file_is_refused_at_once(tmp_path, put):
    path = tmp_path / "state.json"
    put(path)
    for read in (read_small, read_small_text):
        with pytest.raises(OSError, match=r"state\.json"):
            read(path)


@pytest.mark.parametrize("put", KINDS[:3])
def test_nothing_is_written_through_what_is_no_file(tmp_path, put):
    path = tmp_path / "output.log"
    put(path)
    locks = [] if put is fifo else [lambda at: Lock(at).acquire()]  # a pipe can be locked, and nobody waits for it
    for write in (append_regular, LineWriter, *locks):
        with pytest.raises(OSError, match=r"output\.log"):
            write(path)
    assert not (tmp_path / "target").exists() or (tmp_path / "target").read_bytes() == b"theirs"


def test_a_link_that_was_put_in_a_files_place_is_replaced_and_its_target_kept(tmp_path):
    path = tmp_path / "state.json"
    link(path)
    write_file(path, b"ours")
    assert (path.read_bytes(), (tmp_path / "target").read_bytes()) == (b"ours", b"theirs")


def test_regular_files_are_read_and_appended_to(tmp_path):
    path = tmp_path / "events.jsonl"
    with append_regular(path) as file:
        file.write("ä\n".encode())
    assert read_small_text(path) == "ä\n"
    with open_regular(path) as file:
        assert file.read() == "ä\n".encode()


def test_there_is_no_other_door():
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.func.attr}"
        for room in ROOMS
        for path in sorted((PACKAGE / room).rglob("*.py"))
        if str(path.relative_to(PACKAGE)) not in ELSEWHERE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DOORS
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id in ("os", "study"))
    ]
    assert found == []
