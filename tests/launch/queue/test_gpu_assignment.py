"""A real dispatcher and real trainers where pynvml tells of three GPUs: which of them each run then sees."""

from __future__ import annotations

import os

import psutil
import pytest

from simclr_tui.launch.queue.queue import enqueue, ensure_dispatcher, unpause
from simclr_tui.launch.start import start
from simclr_tui.launch.stop import stop
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import read_ticket
from tests.faults.in_trainer import run_in_trainers
from tests.launch.ended import end_queue
from tests.training import tiny_plan, until

LONG = {"epochs": 100_000, "knn_every": 0, "device": "auto"}
# A torch without CUDA is refused where the driver tells of a GPU; what counts here is what the trainer may see.
ON_THE_CPU = "import torch; from simclr_tui.train import device; device._device = lambda *_: torch.device('cpu')"
# The second GPU is somebody else's.
DRIVER = """
from types import SimpleNamespace

def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlDeviceGetCount(): return 3
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetName(index): return "NVIDIA H100"
def nvmlDeviceGetUUID(index): return f"GPU-{index}"
def nvmlDeviceGetMemoryInfo(index, version=None):
    return SimpleNamespace(used=30 * 10**9 if index == 1 else 0, total=80 * 10**9)
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store whose dispatcher finds that driver."""
    (tmp_path / "pynvml.py").write_text(DRIVER)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    run_in_trainers(monkeypatch, tmp_path / "code", ON_THE_CPU)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    store = Store(tmp_path / "runs")
    yield store
    end_queue(store)


def begin(store, count):
    runs = [enqueue(store, tiny_plan(**LONG)) for _ in range(count)]
    unpause(store)
    assert ensure_dispatcher(store) == ""
    return runs


def seen(run):
    """What CUDA_VISIBLE_DEVICES is to the run's trainer."""
    until(lambda: run.state == "running", what=f"{run.name} to train")
    return psutil.Process(run.status.process.pid).environ().get("CUDA_VISIBLE_DEVICES")


def test_two_runs_get_a_gpu_each_and_somebody_elses_is_left_alone(store):
    first, second, third = begin(store, 3)
    assert [seen(first), seen(second)] == ["GPU-0", "GPU-2"]
    assert read_ticket(second.paths).gpus == ("GPU-2",)
    assert third.state == "queued"
    stop(second)
    assert seen(third) == "GPU-2"


def test_gpus_that_the_user_hides_are_given_to_no_run(store, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,1")
    first, second = begin(store, 2)
    assert seen(first) == "GPU-2"
    stop(first)
    assert seen(second) == "GPU-2"


def test_each_run_sees_the_gpus_of_the_shell_that_queued_it(store, monkeypatch):
    """The dispatcher's own shell hides all GPUs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    mine = enqueue(store, tiny_plan(**LONG))
    behind = enqueue(store, tiny_plan(**LONG))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    numbered = enqueue(store, tiny_plan(**LONG | {"device": "cuda:1"}))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    hidden = enqueue(store, tiny_plan(**LONG))
    unpause(store)
    assert ensure_dispatcher(store) == ""
    assert [seen(mine), seen(numbered), seen(hidden)] == ["GPU-2", "1,0", ""]
    assert [read_ticket(run.paths).gpus for run in (mine, numbered, hidden)] == [("GPU-2",), ("GPU-0",), ()]
    assert behind.state == "queued"


def test_a_numbered_gpu_counts_among_all_for_a_shell_that_hides_none(store, monkeypatch):
    run = enqueue(store, tiny_plan(**LONG | {"device": "cuda:2"}))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    unpause(store)
    assert ensure_dispatcher(store) == ""
    assert seen(run) == "GPU-0,GPU-1,GPU-2"


def test_a_gpu_of_a_run_started_by_hand_is_taken_before_its_memory_is(store, monkeypatch):
    by_hand = start(store, tiny_plan(**LONG))
    first = begin(store, 1)[0]
    assert seen(first) == "GPU-2"
    assert by_hand.state == "running"
