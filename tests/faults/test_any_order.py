"""Launch, queue, stop, kill, resume, delete, restore, restart, a clock that jumps: in any order the store stays true.

The store and what acts on it are the real ones. What trains is a process that sleeps, which is told from a trainer
only by that it says nothing when it ends; a resumed run is the real worker.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from simclr_tui.errors import StoreError
from simclr_tui.launch.start import create, resume
from simclr_tui.launch.stop import kill, request_stop, wait_until_ended
from simclr_tui.store.labels import edit_run
from simclr_tui.store.process import identify, is_alive
from simclr_tui.store.state import ACTIVE, OPEN, observe, write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket
from tests.faults.test_f13_clock import FakeClock
from tests.run_factory import before_restart
from tests.training import tiny_plan, until

PLAN = tiny_plan(epochs=100_000, knn_every=0)


class AnyOrder(RuleBasedStateMachine):
    """`states` and `tags` are what every run must be, by name; `removed`, what must lie in the trash."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = Store(self.folder / "runs")
        self.states: dict[str, str] = {}
        self.tags: dict[str, list[str]] = {}
        self.removed: dict[str, str] = {}
        self.sleepers: dict[str, subprocess.Popen] = {}
        self.wall = 1e9
        self.resumed = False

    @rule(target=runs)
    def launch(self):
        run = create(self.store, PLAN)
        self.sleepers[run.name] = sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
        process = identify(sleeper.pid)
        write_state(
            run.paths, msgspec.structs.replace(run.status, state="running", process=process, supervisor=process)
        )
        self.states[run.name], self.tags[run.name] = "running", []
        return run.name

    @rule(target=runs)
    def queue(self):
        run = create(self.store, PLAN, queued=True, ticket=Ticket())
        self.states[run.name], self.tags[run.name] = "queued", []
        return run.name

    @rule(name=runs)
    def stop(self, name):
        with self.expecting(name, OPEN):
            request_stop(self.store.run(name))
            queued = self.states.get(name) == "queued"
            assert queued or wait_until_ended(self.store.run(name), 60)
            real = name not in self.sleepers
            self.states[name] = "stopped" if queued else self.store.run(name).state if real else "lost"
            assert self.states[name] in ("stopped", "lost")

    @rule(name=runs)
    def end_by_force(self, name):
        with self.expecting(name, OPEN):
            queued = self.states.get(name) == "queued"
            assert kill(self.store.run(name)).state == ("stopped" if queued else "failed")
            self.states[name] = "stopped" if queued else "failed"

    @rule(name=runs)
    def killed_by_a_stranger(self, name):
        if self.states.get(name) == "running" and name in self.sleepers:
            self.sleepers[name].kill()
            self.sleepers[name].wait()
            self.states[name] = "lost"

    @rule(name=runs)
    def go_on(self, name):
        """By the real worker, once an example: that takes seconds."""
        if self.resumed or self.states.get(name) == "queued":
            return
        with self.expecting(name, {"stopped", "failed", "lost"}):
            resume(self.store.run(name))
            self.resumed = True
            self.sleepers.pop(name, None)
            self.states[name] = "running"

    @rule()
    def restart(self):
        """Every process is gone, and every record is of another boot than the one there is."""
        for name, state in self.states.items():
            if state in ACTIVE:
                run = self.store.run(name)
                if name not in self.sleepers:
                    kill(run)
                    self.states[name] = "failed"
                    continue
                status = run.status
                self.sleepers[name].kill()
                self.sleepers[name].wait()
                before_restart(run, msgspec.structs.replace(status, supervisor=status.process))
                self.states[name] = "lost"
                assert run.status.reason == "the machine was restarted"

    @rule(days=st.sampled_from([-365, -1, 1, 10_000]))
    def clock_jumps(self, days):
        self.wall = max(1.0, self.wall + days * 86_400)
        for name, state in self.states.items():
            seen = observe(self.store.run(name).paths, FakeClock(wall=self.wall)).state
            assert seen == state or {seen, state} <= ACTIVE

    @rule(name=runs, tag=st.sampled_from(["paper", "night"]))
    def edit(self, name, tag):
        if name in self.states:
            edit_run(self.store, self.store.run(name), add=[tag])
            if tag not in self.tags[name]:
                self.tags[name].append(tag)

    @rule(name=runs)
    def delete(self, name):
        with self.expecting(name, {"stopped", "failed", "lost"}):
            self.wall += 1
            self.store.remove(self.store.run(name), FakeClock(wall=self.wall))
            self.removed[name] = self.states.pop(name)

    @rule(name=runs)
    def restore(self, name):
        if name in self.removed:
            self.store.restore(name)
            self.states[name] = self.removed.pop(name)

    @contextlib.contextmanager
    def expecting(self, name, states):
        """The act works for a run in one of the states, and is refused with a sentence in any other."""
        if name not in self.states:
            expected = pytest.raises((StoreError, OSError))
        elif self.states[name] in states:
            expected = contextlib.nullcontext()
        else:
            expected = pytest.raises(StoreError)
        with expected:
            yield

    @invariant()
    def the_store_is_what_was_done(self):
        assert set(self.store.names()) == set(self.states)
        assert sorted(path.name.rpartition(".")[0] for path in self.store.trash()) == sorted(self.removed)
        for name, state in self.states.items():
            seen = self.store.run(name).state
            assert seen == state or {seen, state} <= ACTIVE, (name, seen, state)
            assert self.store.run(name).info.tags == self.tags[name]
            assert self.store.run(name).recipe == PLAN.resolved.recipe

    def teardown(self):
        for name, state in self.states.items():
            if state in ACTIVE and name not in self.sleepers:
                kill(self.store.run(name))
        for sleeper in self.sleepers.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(sleeper.pid, signal.SIGKILL)
            sleeper.wait()
            assert not is_alive(identify(sleeper.pid))
        until(self._is_removed, what="the folder to be left alone")

    def _is_removed(self):
        shutil.rmtree(self.folder, ignore_errors=True)  # an update of the catalog may still be writing there
        return not self.folder.exists()


@pytest.mark.timeout(1800)
def test_in_any_order_the_store_is_what_was_done(fault):
    examples = fault("F4", 100, "orders of launch, queue, stop, kill, resume, delete, restore, restart", few=4)
    known = settings(
        max_examples=examples, stateful_step_count=20, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(AnyOrder, settings=known)
