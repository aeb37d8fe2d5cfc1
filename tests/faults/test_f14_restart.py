"""F14: after a restart of the machine a run is lost to it, nothing starts by itself, and the run can go on."""

from __future__ import annotations

import random

import msgspec

from simclr_tui.launch.start import resume
from simclr_tui.launch.stop import wait_until_ended
from simclr_tui.store.process import this_process
from simclr_tui.store.state import ACTIVE
from tests.run_factory import before_restart, make_run
from tests.training import STEPS, tiny_run

SEED = 14


def test_whatever_trained_before_the_restart_is_lost_to_it(tmp_path, fault):
    """Also where the very pid and start time are those of a process of this boot."""
    chance = random.Random(SEED)
    run = make_run(tmp_path)
    for number in range(fault("F14", 500, "records of another boot", SEED)):
        before = this_process()
        known = chance.choice([{"process": before}, {"supervisor": before}, {"process": before, "supervisor": before}])
        state = msgspec.structs.replace(
            run.status, state=chance.choice(sorted(ACTIVE)), process=None, supervisor=None, step=number
        )
        before_restart(run, msgspec.structs.replace(state, **known))
        status = run.status
        assert (status.state, status.reason, status.step) == ("lost", "the machine was restarted", number)


def test_a_run_lost_to_a_restart_goes_on_when_it_is_told_to(tmp_path, fault):
    fault("F14", 1, "run that was lost to a restart and goes on")
    run = tiny_run(tmp_path)
    before_restart(run, msgspec.structs.replace(run.status, state="running", supervisor=this_process()))
    assert run.state == "lost"
    assert resume(run) == 2
    assert wait_until_ended(run, 120).state == "finished"
    assert run.metric("loss").steps == list(range(1, STEPS + 1))
