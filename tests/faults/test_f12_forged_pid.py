"""F12: a pid that was given to a stranger is never signalled, and the run is lost."""

from __future__ import annotations

import random
import signal
import subprocess

import msgspec
import pytest

from simclr_tui.boot import boot_id
from simclr_tui.store.process import ProcessId, identify, is_alive, send_signal, this_process
from simclr_tui.store.state import write_state
from tests.run_factory import make_run

SEED = 12


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def test_forged_records_signal_nobody(sleeper, fault):
    """Each names a process that lives, or might, with one thing wrong about it."""
    chance = random.Random(SEED)
    bystander = identify(sleeper.pid)
    mine = this_process()
    for _ in range(fault("F12", 1000, "forged records", SEED)):
        real = chance.choice([bystander, mine, ProcessId(pid=1, started=identify(1).started, boot=boot_id())])
        forged = chance.choice(
            [
                msgspec.structs.replace(real, started=real.started + chance.choice([-1, 1, 100, -(10**9)])),
                msgspec.structs.replace(real, boot=chance.choice(["", "x", boot_id()[:-1], boot_id().upper() + " "])),
                msgspec.structs.replace(real, pid=chance.choice([0, -1, -real.pid, 2**22 + 1, 2**31, 10**30])),
                ProcessId(pid=2**22 + 1, started=-1, boot=boot_id()),
            ]
        )
        assert not is_alive(forged)
        assert not send_signal(forged, signal.SIGKILL, group=chance.random() < 0.5)
    assert sleeper.poll() is None


def test_a_run_whose_pid_was_reused_is_lost(tmp_path, sleeper, fault):
    chance = random.Random(SEED)
    real = identify(sleeper.pid)
    run = make_run(tmp_path)
    for _ in range(fault("F12", 200, "runs whose pid is another's", SEED)):
        forged = msgspec.structs.replace(
            real, started=real.started + chance.choice([-1, 1]) * chance.randrange(1, 10**6)
        )
        role = chance.choice(["process", "supervisor"])
        state = msgspec.structs.replace(run.status, state="running", process=None, supervisor=None)
        write_state(run.paths, msgspec.structs.replace(state, **{role: forged}))
        assert run.state == "lost"
    assert sleeper.poll() is None
