"""Stopping a run that another user trains: refused in a sentence, and as if it had not been asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from simclr_tui.atomic import Lock
from simclr_tui.launch.start import create
from simclr_tui.launch.stop import kill, request_stop
from simclr_tui.store.process import this_process
from simclr_tui.store.state import write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket, read_ticket
from tests.training import tiny_plan
from tests.users import ALICE, BOB, GROUP, as_user

ROOT = Path(__file__).resolve().parents[2]
AS_BOB = ["setpriv", f"--reuid={BOB}", f"--regid={GROUP}", "--clear-groups"]
READS_ALL = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
HIDING = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"'


@pytest.fixture
def run(group_folder):
    """A queued run that a process of Alice's trains, as far as its files and its lock tell."""
    store = Store(group_folder / "runs")
    assert as_user(ALICE, lambda: create(store, tiny_plan(), queued=True, ticket=Ticket(user=ALICE))) == ""
    run = store.run("run1")
    reading, writing = os.pipe()
    trainer = os.fork()
    if trainer == 0:
        try:
            os.setresgid(GROUP, GROUP, GROUP)
            os.setresuid(ALICE, ALICE, ALICE)
            lock = Lock(run.paths.lock)
            lock.acquire()
            write_state(run.paths, msgspec.structs.replace(run.status, state="running", process=this_process()))
            os.write(writing, b"!")
            signal.pause()
        finally:
            os._exit(1)
    try:
        os.close(writing)
        assert os.read(reading, 1) == b"!"
        yield run
    finally:
        os.close(reading)
        os.kill(trainer, signal.SIGKILL)
        os.waitpid(trainer, 0)


@pytest.mark.parametrize("act", [request_stop, kill])
def test_it_is_refused_and_leaves_no_trace(run, act):
    before = run.state, run.events, read_ticket(run.paths)
    assert "belongs to another user — ask its owner to stop it" in as_user(BOB, lambda: act(run))
    assert before[0] == "running"
    assert (run.state, run.events, read_ticket(run.paths)) == before


def test_where_the_system_hides_the_processes_of_others_it_is_said(run):
    command = ["unshare", "--mount", "sh", "-c", HIDING, "sh", *AS_BOB, *READS_ALL, sys.executable, "-m", "simclr_tui"]
    command += ["stop", run.name, "--runs", str(run.path.parent)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250)
    if "mount" in done.stderr or "unshare" in done.stderr or "setpriv" in done.stderr:
        pytest.skip(f"no /proc that hides processes can be mounted here: {done.stderr}")
    assert done.returncode == 5
    assert "cannot be seen from here — this system hides the processes of other users" in done.stderr
    assert run.state == "running"
