"""F55: an error that passes (of the disk, of a server, of a limit) is no fact: nothing is concluded or kept from it.

The system refuses to open one file of a run, with each of the errors that say nothing about the file, while everything
that decides something looks at the run. Afterwards the file opens again, unchanged, as it does after such an error.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.news import last_known, news
from simclr_tui.errors import StoreError, UnansweredError
from simclr_tui.launch.placement import Here, Queue, placement_to_resume
from simclr_tui.launch.queue.dispatcher import _step, look_at
from simclr_tui.launch.queue.queue import enqueue, pause, unpause, why_paused
from simclr_tui.launch.queue.retry import settle
from simclr_tui.launch.slurm.resources import JobOptions
from simclr_tui.launch.start import resume
from simclr_tui.launch.tell import tell_once, told
from simclr_tui.store import checkpoints
from simclr_tui.store.data_facts import DataFacts, read_data_facts, write_data_facts
from simclr_tui.store.evaluations import Evaluation, SeedResult, save_evaluation
from simclr_tui.store.process import identify, is_alive, this_process
from simclr_tui.store.state import read_state, write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket, read_ticket, write_ticket
from simclr_tui.sweep.axes import parse_axis
from simclr_tui.sweep.control import go_on, make_sweep
from simclr_tui.sweep.folder import Sweep, SweepFolder
from simclr_tui.tui.feed.run_reader import RunReader
from tests.run_factory import make_run
from tests.training import tiny_plan

PASSING = (errno.EIO, errno.ESTALE, errno.EMFILE)
Silence = Callable[..., None]


@pytest.fixture(params=PASSING, ids=lambda number: errno.errorcode[number])
def silence(request, monkeypatch) -> Silence:
    """`silence("state.json", …)`: no file of these names can be opened or asked for; without names, all can again."""
    names: set[str] = set()

    def refusing(real):
        def call(path, *arguments, **named):
            if not isinstance(path, int) and Path(os.fspath(path)).name in names:
                raise OSError(request.param, os.strerror(request.param), os.fspath(path))
            return real(path, *arguments, **named)

        return call

    monkeypatch.setattr(os, "open", refusing(os.open))
    monkeypatch.setattr(os, "stat", refusing(os.stat))

    def silence(*which: str) -> None:
        names.clear()
        names.update(which)

    return silence


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "runs")


def test_a_run_that_cannot_be_asked_is_neither_lost_nor_rebuilt(store, silence, fault):
    fault("F55", 1, "errors that pass, at a run's state and lock")
    run = make_run(store.root, state="running", supervisor=this_process())
    ended = make_run(store.root, state="finished")
    before = run.status, ended.status
    run.paths.lock.touch()
    for name in ("state.json", "run.lock", "slurm.json"):
        silence(name)
        with pytest.raises(UnansweredError):
            _ = run.status
        silence()
        assert (run.status, ended.status) == before
    silence("state.json")
    with pytest.raises(UnansweredError):
        resume(ended)
    with pytest.raises(UnansweredError):
        store.remove(ended)
    silence()
    assert (run.status, ended.status) == before


@pytest.mark.parametrize("number", PASSING, ids=lambda number: errno.errorcode[number])
def test_a_process_that_cannot_be_asked_for_is_not_gone(number, fault, monkeypatch):
    fault("F55", 1, "errors that pass, at what the kernel says of a process")
    process = identify(os.getpid())

    def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", refused)
        with pytest.raises(OSError, match=re.escape(os.strerror(number))):
            is_alive(process)
    assert is_alive(process)


def test_the_queue_waits_for_what_it_cannot_read_and_fails_nobody(store, silence, fault):
    fault("F55", 1, "errors that pass, at the files of a queued run")
    awaited = make_run(store.root, "awaited", state="stopped")
    run = enqueue(store, tiny_plan(), priority=3, after=("awaited",))
    kept = read_ticket(run.paths), read_state(run.paths)
    for name in ("ticket.json", "state.json", "recipe.toml", "run.json"):
        silence(name)
        assert _step(store) is (name != "recipe.toml"), name  # which is not read before its turn
        silence()
        assert (read_ticket(run.paths), read_state(run.paths)) == kept, name
    assert look_at(store).ready == {}
    write_ticket(run.paths, Ticket(position=1))
    silence("recipe.toml")
    assert _step(store)
    silence()
    assert run.state == "queued"
    assert (awaited.state, why_paused(store)) == ("stopped", "")


def test_a_lost_run_whose_checkpoint_cannot_be_read_is_not_given_up(store, silence, fault):
    fault("F55", 1, "errors that pass, at the checkpoint of a lost run")
    run = make_run(store.root, state="running", supervisor=None)
    run.paths.attempt(1).log.touch()
    write_ticket(run.paths, Ticket(position=1))
    checkpoints.save(run.paths, b"x", step=4, epoch=1.0, recipe="", wall=0.0, version="")
    silence(run.paths.manifest(4).name)
    with pytest.raises(StoreError):
        settle(run, Ticket(position=1))
    silence()
    assert (read_ticket(run.paths), run.state) == (Ticket(position=1), "lost")
    settle(run, Ticket(position=1))
    assert run.state == "queued"


def test_another_run_is_not_taken_for_the_last_or_the_best(store, silence, fault):
    fault("F55", 1, "errors that pass, at the run that @last and @best mean")
    make_run(store.root, "old", created=1.0, summary={"knn": 0.1})
    make_run(store.root, "new", created=2.0, summary={"knn": 0.2})
    for name in ("run.json", "state.json"):
        silence(name)
        for word in ("@last", "@best") if name == "run.json" else ("@best",):
            with pytest.raises(UnansweredError):
                store.find(word)
    silence()
    assert {store.find(word).name for word in ("@last", "@best")} == {"new"}


def test_the_index_reads_again_what_it_could_not_read(store, silence, fault):
    fault("F55", 1, "errors that pass, while runs are indexed")
    run = make_run(store.root, state="finished", summary={"knn": 0.25})
    save_evaluation(run.paths, evaluation(0.5))
    (before,) = Catalog(store).rows()
    assert before["linear"] == 0.5
    for name in ("run.json", "state.json", "recipe.toml", "linear.json", "data.json"):
        Catalog(store).path.unlink()
        silence(name)
        (row,) = Catalog(store).rows()
        assert row["error"], name
        silence()
        assert Catalog(store).rows() == [before], name


def test_the_end_of_a_run_is_news_once_though_it_could_not_be_read(store, silence, fault):
    fault("F55", 1, "errors that pass, between a run's start and its end")
    run = make_run(store.root, state="running", supervisor=this_process())
    catalog, known, found = Catalog(store), {}, []
    for turn in range(6):
        silence(*(("state.json",) if turn in (2, 4) else ()))
        if turn == 3:
            write_state(run.paths, msgspec.structs.replace(read_state(run.paths), state="finished"))
        rows = catalog.rows()
        found += [event.event for event in news(known, rows)]
        known = last_known(known, rows)
    assert found == ["finished"]


def test_what_was_told_is_not_told_again(store, silence, fault, monkeypatch):
    fault("F55", 1, "errors that pass, at the list of what was told")
    run = make_run(store.root, state="finished")
    place = run.paths.attempt(1)
    place.told.write_text('{"event":"finished"}\n')
    monkeypatch.setattr("simclr_tui.launch.tell.notify", lambda *_, **__: pytest.fail("told twice"))
    silence(place.told.name)
    with pytest.raises(UnansweredError):
        tell_once(None, run, [], attempt=1)
    silence()
    assert told(place) == {"finished"}


def test_a_sweep_does_not_queue_a_run_twice(store, silence, fault):
    fault("F55", 1, "errors that pass, while a sweep looks for its runs")
    store.root.mkdir()
    pause(store)
    sweep = Sweep(name="", sampler="grid", trials=0, seeds=(0,), axes=(parse_axis("temp", "0.1,0.5"),))
    folder = SweepFolder(store, make_sweep(store, tiny_plan().resolved, sweep).name)
    names = store.names()
    for name in ("run.json", "recipe.toml", "state.json"):
        silence(name)
        with pytest.raises(StoreError):
            go_on(store, folder)
        silence()
        assert store.names() == names
    assert go_on(store, folder) == 0
    assert store.names() == names
    unpause(store)


def test_a_run_whose_slurm_job_cannot_be_read_is_not_started_here(store, silence, fault):
    fault("F55", 1, "errors that pass, at a run's Slurm job")
    run = make_run(store.root, state="stopped")
    run.paths.slurm.write_text('{"id": "7", "resources": {}}')
    silence("slurm.json")
    with pytest.raises(UnansweredError):
        placement_to_resume(run, None, JobOptions())
    for here in (Here(), Queue()):
        with pytest.raises(UnansweredError):
            here.requeue(run)
    silence()
    assert run.state == "stopped"


def test_other_data_does_not_pass_for_the_runs_own(store, silence, fault):
    fault("F55", 1, "errors that pass, at what a run's data was")
    run = make_run(store.root)
    facts = DataFacts(fingerprint="a", data="shapes", images=96, test_images=0)
    write_data_facts(run.path, facts)
    silence("data.json")
    with pytest.raises(UnansweredError):
        read_data_facts(run.path)
    silence()
    assert read_data_facts(run.path) == facts


def test_the_dashboard_reads_again_what_it_could_not_read(store, silence, fault):
    fault("F55", 1, "errors that pass, at what the dashboard keeps of a run")
    run = make_run(store.root)
    save_evaluation(run.paths, evaluation(0.5))
    checkpoints.save(run.paths, b"x", step=4, epoch=1.0, recipe="", wall=0.0, version="")
    reader = RunReader(run)
    silence("linear.json", run.paths.manifest(4).name)
    assert (reader.evaluations(), reader.newest_checkpoint()) == ((), None)
    silence()
    assert [name for name, _ in reader.evaluations()] == ["linear"]
    assert reader.newest_checkpoint() == 4


def evaluation(top1: float) -> Evaluation:
    return Evaluation(
        name="linear", protocol="linear", data="shapes", subset=0, step=4, epoch=1.0, checkpoint="", encoder="",
        frozen=True, classes=["a", "b"], train_images=96, test_images=96, hyperparameters={},
        results=[SeedResult(seed=0, top1=top1)], confusion=[[1, 0], [0, 1]], device="cpu", precision="fp32",
        versions={}, seconds=1.0, wall=1.0,
    )  # fmt: skip
