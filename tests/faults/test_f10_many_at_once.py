"""F10: two that watch, four command lines and 32 runs at once never meet a locked database, and all see the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.row import public
from simclr_tui.store.state import State, write_state
from simclr_tui.store.store import Store
from tests.run_factory import make_run

RUNS = 32

WATCHING = """
import sys
from pathlib import Path
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.store.store import Store
catalog, stop = Catalog(Store(Path(sys.argv[1]))), Path(sys.argv[2])
catalog.rows()
print("watching", flush=True)
while not stop.exists():
    assert len(catalog.rows(budget=0.25)) == int(sys.argv[3])
"""
ASKING = """
import subprocess, sys
for _ in range(int(sys.argv[2])):
    words = [sys.executable, "-m", "simclr_tui.cli.main", "ls", "--json"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
print(done.stdout)
"""


@pytest.mark.timeout(900)
def test_nobody_meets_a_locked_database_and_all_see_the_same(tmp_path, fault):
    asked = fault("F10", 25, "listings by each of four command lines, beside two watchers and 32 runs that write")
    root, stop = tmp_path / "runs", tmp_path / "stop"
    store = Store(root)
    for number in range(RUNS):
        make_run(root, created=float(number))
    environment = os.environ | {"SIMCLR_RUNS": str(root)}

    def process(code, *arguments, stdout=subprocess.PIPE):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment)

    watchers = [process(WATCHING, root, stop, RUNS) for _ in range(2)]
    for watcher in watchers:
        assert watcher.stdout.readline() == "watching\n"
    # Nobody reads what they print meanwhile, and a listing is longer than a pipe holds.
    askers = [process(ASKING, root, asked, stdout=subprocess.DEVNULL) for _ in range(4)]
    step = 0
    while any(asker.poll() is None for asker in askers):
        step += 1
        for name in store.names():
            write_state(store.run(name).paths, State(state="stopped", since=1.0, step=step, steps=10**6))
    stop.touch()
    errors = [one.communicate(timeout=120)[1] for one in (*askers, *watchers)]
    assert errors == [""] * 6
    assert step > 1
    assert not list(root.glob("*damaged*"))
    last = json.loads(process(ASKING, root, 1).communicate(timeout=60)[0])
    expected = [public(row) for row in Catalog(store).rows()]
    assert sorted(last, key=lambda row: row["name"]) == sorted(expected, key=lambda row: row["name"])
    assert {row["step"] for row in last} == {step}
