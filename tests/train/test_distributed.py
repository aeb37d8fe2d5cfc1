"""Several processes over gloo train what one trains: same negatives, same batch norm, same order of images."""

from __future__ import annotations

import socket
import subprocess
import sys

import psutil
import pytest
import torch

from simclr_tui.errors import ExitCode
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import stop, wait_until_ended
from simclr_tui.launch.trainer_process import first_failure, trainer_command
from simclr_tui.store.events import PROCESS_FAILED, EventLog
from simclr_tui.store.state import ACTIVE
from simclr_tui.store.store import Store
from tests.training import STEPS, metric_table, tensors, tiny_plan, tiny_run, train_in_process, until

ONE_STEP = {"subset": 16, "epochs": 1, "warmup": 0.0, "weight_decay": 0.0, "knn_every": 0}
SKEWED = {"color_strength": 1.0, "crop_min": 0.08}


def train_with_torchrun(run):
    return subprocess.run(trainer_command(run), capture_output=True, text=True, timeout=120)


def pair(root, processes, **flags):
    one, several = tiny_run(root / "one", **flags), tiny_run(root / "several", gpus=str(processes), **flags)
    assert train_in_process(one).returncode == ExitCode.OK
    done = train_with_torchrun(several)
    assert done.returncode == ExitCode.OK, done.stderr[-2000:]
    return one, several


@pytest.mark.parametrize(("processes", "objective"), [(2, "nt-xent"), (4, "nt-logistic")])
def test_steps_of_several_processes_are_those_of_one(tmp_path, processes, objective):
    """Losses, weights (so gradients) and running statistics after three steps, in float64, without tolerance to speak
    of: what several processes compute is the same formula."""
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m"]
    for name, words in (("one", []), ("several", torchrun)):
        step = ["tests.train.distributed_step", str(tmp_path / name), objective]
        done = subprocess.run([sys.executable, "-m", *words, *step], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
    left, right = torch.load(tmp_path / "one"), torch.load(tmp_path / "several")
    assert len(left) == len(right) > 60
    for place, (one, several) in enumerate(zip(left, right, strict=True)):
        assert torch.allclose(one.double(), several.double(), rtol=1e-9, atol=1e-12), place


def test_a_run_of_two_processes_follows_that_of_one(tmp_path):
    one, two = pair(tmp_path, 2, epochs=2, lr=1e-3, **SKEWED)
    alone, shared = metric_table(one), metric_table(two)
    assert alone.keys() == shared.keys()
    assert [step for step, _ in shared["loss"]] == list(range(1, 13))
    for name in ("loss", "positive_similarity", "negative_similarity", "contrastive_top1"):
        assert dict(alone[name]) == pytest.approx(dict(shared[name]), rel=1e-2, abs=1e-2), name
    assert shared["knn"][0] == alone["knn"][0]
    left, right = tensors(one), tensors(two)
    assert left.keys() == right.keys()
    assert two.status.facts["processes"] == 2


def test_four_processes_with_micro_batches_follow_one(tmp_path):
    flags = {"epochs": 1, "micro_batch": "2", "head_bn": False, "subset": 32}
    run = tiny_run(tmp_path, gpus="4", **flags)
    done = train_with_torchrun(run)
    assert done.returncode == ExitCode.OK, done.stderr[-2000:]
    assert run.metric("loss").steps == [1, 2]
    assert run.state == "finished"


def test_two_agents_that_meet_at_a_port_train_one_run(tmp_path):
    """As two machines would, each with a torchrun of its own."""
    one, two = tiny_run(tmp_path / "one", **ONE_STEP), tiny_run(tmp_path / "two", gpus="2", **ONE_STEP)
    assert train_in_process(one).returncode == ExitCode.OK
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    command += ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    nodes = [
        subprocess.Popen([*command, "--node-rank", str(rank), "-m", "simclr_tui.train", str(two.path)])
        for rank in range(2)
    ]
    assert [node.wait(timeout=120) for node in nodes] == [0, 0]
    assert one.metric("loss").values == pytest.approx(two.metric("loss").values, rel=1e-5)


def launch(root, **flags):
    return start(Store(root), tiny_plan(gpus="2", **flags))


def trainers(run):
    """The processes that train the run, torchrun not among them."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if str(run.path.absolute()) in words and "simclr_tui.train" in words and "torch.distributed.run" not in words:
            found.append(process)
    return found


@pytest.fixture
def running(tmp_path):
    run = launch(tmp_path, epochs=2000, knn_every=0, checkpoint_every=1)
    until(lambda: list(run.history().step[-1:]) > [3], what="the first steps")
    yield run
    for process in trainers(run):
        process.kill()
    wait_until_ended(run, 120.0)


def test_a_stop_ends_all_with_one_checkpoint_from_which_they_go_on(running):
    ended = stop(running)
    assert ended.state == "stopped"
    assert ended.exit_code == ExitCode.STOPPED
    until(lambda: not trainers(running), what="the end of all processes")
    assert running.checkpoints[0].step == running.history().step[-1]
    resume(running)
    until(lambda: running.history().step[-1] > running.checkpoints[-1].step + 3, what="steps after the stop")
    assert list(running.history().step) == sorted(running.history().step)


def test_the_error_of_the_process_that_failed_first_is_the_runs(tmp_path):
    """Process 1 says what went wrong, process 0 only that it lost another; torchrun's summary tells of a signal."""
    run = tiny_run(tmp_path, gpus="2")
    events = EventLog(run.paths.attempt(1))
    events.write(PROCESS_FAILED, "Connection closed by peer", rank=0, exit_code=1, lost=True)
    assert first_failure(run, 1) == ("process 0 lost another: Connection closed by peer", ExitCode.FAILED)
    run.paths.attempt(1).log.write_text("  rank      : 1 (local_rank: 1)\n  exitcode  : -11 (pid: 77)\n")
    assert first_failure(run, 1) == ("process 1 was killed by SIGSEGV", 139)
    events.write(PROCESS_FAILED, "no room left", rank=1, exit_code=7)
    events.close()
    assert first_failure(run, 1) == ("process 1: no room left", ExitCode.OUT_OF_MEMORY)
    assert first_failure(run, 2) is None


def test_a_run_launched_as_two_processes_finishes(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    run = launch(tmp_path)
    ended = until(lambda: run.status if run.status.state not in ACTIVE else None, what="its end")
    assert ended.state == "finished"
    assert run.metric("loss").steps == list(range(1, STEPS + 1))
