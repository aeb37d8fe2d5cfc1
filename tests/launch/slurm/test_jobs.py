"""Runs as jobs of a real Slurm of one machine, on one node and on two: brought back, stopped, pending, lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from simclr_tui.errors import ExitCode, RecipeError, StoreError
from simclr_tui.launch.placement import Here, placement_of
from simclr_tui.launch.slurm.jobs import refresh, resubmit, submit
from simclr_tui.launch.slurm.resources import JobOptions, parse_time, resources_again
from simclr_tui.launch.slurm.squeue import states_of
from simclr_tui.launch.stop import kill, stop
from simclr_tui.store.slurm_file import Resources, read_job
from simclr_tui.store.store import Store
from tests.train.test_distributed import ONE_STEP, trainers
from tests.training import assert_same, tiny_plan, tiny_run, train_in_process, until

SCRIPT = Path(__file__).parents[2] / "single_node_slurm.sh"
LONG = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 2}
ASKED = Resources(minutes=10)
ON_TWO = Resources(minutes=10, partition="pair", nodes=2)
needs_slurm = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("sbatch", "slurmctld", "slurmd", "munged"))),
    reason="NOT TESTED AGAINST SLURM: needs root and Debian's slurm-wlm and munge",
)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A cluster of this machine alone, for as long as the module runs."""
    pytest.importorskip("submitit")
    folder = tmp_path_factory.mktemp("slurm")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    try:
        subprocess.run([SCRIPT, "start", folder, str(port)], check=True, timeout=60)
        yield
    finally:
        subprocess.run([SCRIPT, "stop", folder], check=False, timeout=60)
        del os.environ["SLURM_CONF"]


@pytest.fixture
def store(slurm, tmp_path):
    store = Store(tmp_path / "runs")
    yield store
    for name in store.names():
        if store.run(name).state in ("queued", "starting", "running"):
            kill(store.run(name))
        if (job := read_job(store.run(name).paths)) is not None:
            subprocess.run(["scancel", "--signal=KILL", job.id], check=False)


def state(store, run):
    """As Slurm says; asking costs it a process."""
    time.sleep(0.1)
    refresh(store)
    return run.state


def trains(run, steps=3):
    return until(lambda: run.state == "running" and run.status.step >= steps, what=f"{run.name} to train")


def scontrol(*words):
    subprocess.run(["scontrol", *words], check=True, timeout=30)


def starts_again(store, run, job):
    """Wait for a requeued job to start, which Slurm holds back for two minutes unless it is asked not to.

    It takes the wish only once the job's end is done, and a wish repeated all the time keeps it from being scheduled.
    """
    while run.state == "queued":
        subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now"], capture_output=True, timeout=30)
        with contextlib.suppress(AssertionError):
            until(lambda: state(store, run) != "queued", timeout=10)


@needs_slurm
def test_a_requeued_job_goes_on_to_the_bit_and_ends(store, tmp_path):
    flags = {"epochs": 40, "knn_every": 20, "checkpoint_every": 10}
    run = submit(store, tiny_plan(**flags), resources=ASKED)
    job = read_job(run.paths)
    trains(run, 20)
    scontrol("requeue", job.id)
    until(lambda: state(store, run) == "queued" and "Slurm: " in run.status.reason, what="the job to wait again")
    assert "preempted; resumes from step" in run.status.reason
    starts_again(store, run, job.id)
    until(lambda: state(store, run) == "finished", what="the run to finish")
    assert run.status.attempt == 2
    until(lambda: state(store, run) and read_job(run.paths) is None, what="the job to be gone")
    untouched = tiny_run(tmp_path / "untouched", **flags)
    assert train_in_process(untouched).returncode == ExitCode.OK
    assert_same(run, untouched)


@needs_slurm
def test_the_warning_before_the_time_limit_saves_and_brings_the_job_back(store):
    run = submit(store, tiny_plan(**LONG), resources=ASKED)
    job = read_job(run.paths)
    trains(run)
    subprocess.run(["scancel", "--signal=USR1", job.id], check=True)
    until(lambda: state(store, run) == "queued" and "Slurm: " in run.status.reason, what="the job to wait again")
    assert "time limit; resumes from step" in run.status.reason
    assert run.checkpoints[0].step == run.status.step
    assert stop(run).state == "stopped"
    until(lambda: not subprocess.run(["squeue", "-h"], capture_output=True).stdout, what="the job to be gone")


@needs_slurm
def test_pending_is_told_with_the_reason_and_stops_are_clean(store):
    whole = Resources(minutes=10, cpus=os.cpu_count() or 1)
    first = submit(store, tiny_plan(**LONG), resources=whole)
    trains(first)
    second = submit(store, tiny_plan(**LONG), resources=whole)
    until(lambda: state(store, second) == "queued" and second.status.reason == "Slurm: Resources", what="the reason")
    assert stop(second).state == "stopped"
    final = stop(first)
    assert (final.state, final.exit_code) == ("stopped", ExitCode.STOPPED)
    assert first.checkpoints[0].step == final.step
    until(lambda: state(store, first) and read_job(first.paths) is None, what="the job to be gone")
    again = resources_again(first, JobOptions())
    assert again == whole
    resubmit(first, again)
    trains(first, final.step + 1)
    assert kill(first).state in ("stopped", "failed")  # Slurm asks before it kills


@needs_slurm
def test_resume_of_a_run_that_trained_on_slurm_is_a_job_again(store):
    run = submit(store, tiny_plan(**LONG), resources=ASKED)
    trains(run)
    stop(run)
    until(lambda: state(store, run) and read_job(run.paths) is None, what="the job to be gone")
    words = [sys.executable, "-m", "simclr_tui.cli.main", "resume", run.name, "--runs", str(store.root)]
    done = subprocess.run([*words, "--time", "20"], capture_output=True, text=True, timeout=60)
    job = read_job(run.paths)
    assert f"run1 is Slurm job {job.id}" in done.stderr
    assert job.resources.minutes == 20
    trains(run, run.status.step + 1)
    stop(run)
    until(lambda: state(store, run) and read_job(run.paths) is None, what="the job to be gone")
    done = subprocess.run([*words, "--on", "here", "--detach"], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("run1\n", 0)
    trains(run, run.status.step + 1)
    assert placement_of(run) == Here()
    stop(run)


@needs_slurm
def test_a_job_that_dies_is_lost_with_what_slurm_says(store):
    run = submit(store, tiny_plan(**LONG), resources=ASKED)
    trains(run)
    trainer = run.status.process.pid
    os.kill(trainer, signal.SIGSTOP)  # or on a busy machine it might end by itself first, and say so
    os.kill(run.status.supervisor.pid, signal.SIGKILL)  # or it would tell of the trainer's end
    subprocess.run(["scancel", "--signal=KILL", read_job(run.paths).id], check=True)
    until(lambda: state(store, run) == "lost", what="Slurm to say so")
    assert run.status.reason.startswith("Slurm: job ")
    assert read_job(run.paths) is None
    with contextlib.suppress(ProcessLookupError):  # a Slurm without control groups may not know it as the job's
        os.kill(trainer, signal.SIGKILL)


@needs_slurm
def test_slurm_is_asked_of_more_jobs_than_a_command_line_holds(store):
    run = submit(store, tiny_plan(**LONG), resources=ASKED)
    job = read_job(run.paths).id
    assert states_of([job, *(str(number) for number in range(10**6, 10**6 + 30_000))]).keys() == {job}
    kill(run)


@needs_slurm
def test_a_run_on_two_nodes_follows_that_of_one_process(store, tmp_path):
    run = submit(store, tiny_plan(gpus="2", **ONE_STEP), resources=ON_TWO)
    script = next((run.path / "slurm").glob("*_submission.sh")).read_text()
    assert "#SBATCH --nodes=2\n#SBATCH --ntasks-per-node=1\n" in script
    until(lambda: state(store, run) == "finished", what="the run to finish")
    assert run.status.facts["processes"] == 2
    alone = tiny_run(tmp_path / "alone", **ONE_STEP)
    assert train_in_process(alone).returncode == ExitCode.OK
    assert run.metric("loss").values == pytest.approx(alone.metric("loss").values, rel=1e-5)
    until(lambda: state(store, run) and read_job(run.paths) is None, what="the job to be gone")


@needs_slurm
def test_two_nodes_are_warned_requeued_killed_and_stopped_as_one(store):
    run = submit(store, tiny_plan(gpus="2", **LONG), resources=ON_TWO)
    job = read_job(run.paths)
    trains(run)
    subprocess.run(["scancel", "--signal=USR1", job.id], check=True)
    until(lambda: state(store, run) == "queued" and "Slurm: " in run.status.reason, what="the job to wait again")
    assert "time limit; resumes from step" in run.status.reason
    saved = run.status.step
    scontrol("update", f"JobId={job.id}", "StartTime=now")
    trains(run, saved + 1)
    (victim,) = [process for process in trainers(run) if process.environ()["RANK"] == "1"]
    victim.kill()
    until(lambda: state(store, run) == "failed", what="the loss of a process to be told")
    assert run.status.reason.startswith("process 1 was killed by SIGKILL")
    until(lambda: state(store, run) and read_job(run.paths) is None and not trainers(run), what="the job to be gone")
    resubmit(run, ON_TWO)
    trains(run, run.checkpoints[0].step + 1)
    final = stop(run)
    assert (final.state, final.exit_code) == ("stopped", ExitCode.STOPPED)
    until(lambda: state(store, run) and read_job(run.paths) is None and not trainers(run), what="the job to be gone")


@needs_slurm
def test_a_job_that_slurm_refuses_leaves_nothing_behind(store):
    with pytest.raises(StoreError, match="Slurm refused the job"):
        submit(store, tiny_plan(), resources=Resources(partition="nowhere"))
    assert store.names() == []


def test_a_next_job_asks_for_what_the_last_did_but_for_what_is_given(tmp_path):
    run = tiny_run(tmp_path, gpus="4")
    first = resources_again(run, JobOptions(time="1h", nodes=2))
    assert first == Resources(minutes=60, nodes=2)  # on CPUs
    run.paths.slurm_folder.mkdir()
    last = Resources(partition="main", gpus=4, cpus=3, minutes=10, nodes=2)
    run.paths.asked.write_bytes(msgspec.json.encode(last))
    assert resources_again(run, JobOptions()) == last
    wished = JobOptions(partition="pair", time="1h", cpus=8, nodes=4)
    assert resources_again(run, wished) == Resources(partition="pair", gpus=4, cpus=8, minutes=60, nodes=4)
    with pytest.raises(RecipeError, match="3 nodes cannot share --gpus 4 evenly"):
        resources_again(run, JobOptions(nodes=3))


@pytest.mark.parametrize(("text", "minutes"), [("8h", 480), ("90m", 90), ("2d", 2880), ("30", 30), ("120s", 2)])
def test_a_time_limit_is_read(text, minutes):
    assert parse_time(text) == minutes


@pytest.mark.parametrize("text", ["", "8 hours", "-3h", "0", "1:30"])
def test_a_time_limit_that_cannot_be(text):
    with pytest.raises(RecipeError, match="--time cannot be"):
        parse_time(text)


def test_without_slurm_one_sentence_says_so(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RecipeError, match="finds no sbatch"):
        submit(Store(tmp_path / "runs"), tiny_plan(), resources=ASKED)
    assert not (tmp_path / "runs").exists()
