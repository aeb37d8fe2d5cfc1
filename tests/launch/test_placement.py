"""Where a run trains, waits, and goes on: read from its folder, and refused in a sentence where it cannot be."""

from __future__ import annotations

import msgspec
import pytest

from simclr_tui.errors import RecipeError, StoreError
from simclr_tui.launch.placement import (
    Here,
    JobOptions,
    Queue,
    Slurm,
    choose_placement,
    placement_of,
    placement_to_resume,
)
from simclr_tui.launch.queue.queue import enqueue, pause, waiting_runs
from simclr_tui.launch.stop import request_stop
from simclr_tui.store.slurm_file import Job, Resources
from simclr_tui.store.store import Store
from tests.run_factory import make_run
from tests.training import tiny_plan

NOTHING = JobOptions()
ASKED = Resources(partition="main", minutes=30, cpus=2)


def write(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.encode(value))


def ended_on_slurm(root):
    run = make_run(root, state="stopped")
    write(run.paths.asked, ASKED)
    return run


def test_a_run_that_trained_on_slurm_goes_on_there_unless_told_otherwise(tmp_path):
    run = ended_on_slurm(tmp_path)
    assert placement_of(run) == Slurm(ASKED)
    assert placement_to_resume(run, None, NOTHING) == Slurm(ASKED)
    longer = placement_to_resume(run, None, JobOptions(time="2h"))
    assert longer == Slurm(msgspec.structs.replace(ASKED, minutes=120))
    assert placement_to_resume(run, "here", NOTHING) == Here()
    assert placement_to_resume(run, None, NOTHING, queue=Queue()) == Queue()


def test_a_run_that_left_slurm_stays_away_and_its_last_job_is_remembered(tmp_path):
    run = ended_on_slurm(tmp_path)
    pause(Store(tmp_path))
    Queue().requeue(run)
    assert placement_of(run) == Queue()
    request_stop(run)
    assert run.state == "stopped"
    assert placement_of(run) == Here()
    assert placement_to_resume(run, "slurm", NOTHING) == Slurm(ASKED)


def test_a_run_that_a_job_answers_for_is_not_started_here_too(tmp_path):
    run = ended_on_slurm(tmp_path)
    write(run.paths.slurm, Job(id="7", resources=ASKED))
    for placement in (Here(), Queue()):
        with pytest.raises(StoreError, match="Slurm job 7 is responsible for run1"):
            placement.requeue(run)
    assert (run.state, waiting_runs(Store(tmp_path))) == ("stopped", {})


def test_a_waiting_run_is_the_queues_and_any_other_is_this_machines(tmp_path):
    assert placement_of(enqueue(Store(tmp_path), tiny_plan())) == Queue()
    assert placement_of(make_run(tmp_path)) == Here()


@pytest.mark.parametrize(
    ("on", "options", "queue", "sentence"),
    [
        ("here", JobOptions(partition="main"), None, "apply to Slurm jobs only — add --on slurm"),
        ("here", JobOptions(nodes=2), Queue(), "apply to Slurm jobs only"),
        ("slurm", NOTHING, Queue(priority=3), "waits in Slurm's own queue — leave out --queue"),
    ],
)
def test_options_of_one_placement_are_refused_by_another(tmp_path, on, options, queue, sentence):
    with pytest.raises(RecipeError, match=sentence):
        choose_placement(on, tiny_plan().resolved, options, queue=queue)
    with pytest.raises(RecipeError, match=sentence):
        placement_to_resume(make_run(tmp_path), on, options, queue=queue)
