"""Which GPU a queued run is given, and which are left alone."""

from __future__ import annotations

import pytest

from simclr_tui.hardware.sample import GpuSample
from simclr_tui.hardware.visible import visible
from simclr_tui.launch.queue.gpu_slots import environment, find_place
from simclr_tui.recipe.recipe import Recipe

GB = 10**9


def gpu(index, used=0.4, mine=0.0):
    return GpuSample(
        index, "H100", f"GPU-{index}", memory_used=int(used * GB), memory_total=80 * GB, process_memory=int(mine * GB)
    )


def place(taken=(), slots=1, gpus=(), **recipe):
    return find_place(Recipe(**recipe), list(taken), list(gpus), slots=slots)


def test_a_machine_without_a_gpu_has_as_many_places_as_slots():
    assert place() == ()
    assert place(taken=[()]) is None
    assert place(taken=[()], slots=2) == ()


def test_each_gpu_is_given_once_and_the_least_used_first():
    pair = [gpu(0), gpu(1)]
    assert place(gpus=pair) == ("GPU-0",)
    assert place(taken=[("GPU-0",)], gpus=pair) == ("GPU-1",)
    assert place(taken=[("GPU-0",), ("GPU-1",)], gpus=pair) is None
    assert place(taken=[("GPU-0",)], slots=2, gpus=pair) == ("GPU-1",)
    assert place(taken=[("GPU-0",), ("GPU-1",)], slots=2, gpus=pair) == ("GPU-0",)


def test_a_gpu_that_somebody_else_uses_is_left_alone():
    assert place(gpus=[gpu(0, used=30)]) is None
    assert place(gpus=[gpu(0, used=30), gpu(1)]) == ("GPU-1",)
    assert place(gpus=[GpuSample(0, "lost", "GPU-0")]) is None
    assert place(taken=[("GPU-0",)], slots=2, gpus=[gpu(0, used=30, mine=29)]) == ("GPU-0",)
    assert place(taken=[("GPU-0",)], slots=2, gpus=[gpu(0, used=60, mine=29)]) is None


def test_a_run_of_several_gpus_waits_for_all_of_them():
    four = [gpu(index) for index in range(4)]
    wide = Recipe(gpus="2")
    assert find_place(wide, [("GPU-1",)], four, slots=1) == ("GPU-0", "GPU-2")
    assert find_place(wide, [("GPU-0",), ("GPU-1",), ("GPU-2",)], four, slots=1) is None
    assert find_place(Recipe(gpus="all"), [], four, slots=1) == tuple(f"GPU-{index}" for index in range(4))


def test_a_run_on_the_cpu_takes_no_gpu_and_one_that_names_its_gpu_gets_that():
    pair = [gpu(0), gpu(1)]
    assert place(gpus=pair, device="cpu") == ()
    assert place(gpus=pair, device="cuda:1") == ("GPU-1",)
    assert place(taken=[("GPU-1",)], gpus=pair, device="cuda:1") is None
    assert environment(Recipe(device="cuda:1"), ("GPU-1",)) == {}
    assert environment(Recipe(), ("GPU-0", "GPU-1")) == {"CUDA_VISIBLE_DEVICES": "GPU-0,GPU-1"}
    assert environment(Recipe(), ()) == {}


@pytest.mark.parametrize(
    ("named", "seen"),
    [
        (None, [0, 1, 2]),
        ("0,2", [0, 2]),
        ("2, 0,2", [2, 0]),
        ("GPU-1", [1]),
        ("", []),
        ("-1", []),
        ("1,7,0", [1]),
    ],
)
def test_gpus_hidden_from_us_are_hidden_from_our_runs(monkeypatch, named, seen):
    """In the order and up to the first mistake, as CUDA has it."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert [found.index for found in visible([gpu(0), gpu(1), gpu(2)])] == seen


def test_the_number_of_a_gpu_counts_among_those_left_to_us(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,2")
    ours = visible([gpu(index) for index in range(4)])
    assert place(gpus=ours) == ("GPU-3",)
    assert place(gpus=ours, device="cuda:1") == ("GPU-2",)
    assert place(taken=[("GPU-2",)], gpus=ours, device="cuda:1") is None


def test_slices_of_a_gpu_are_places_of_their_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-a,MIG-b")
    slices = visible([gpu(0, used=30)])
    assert place(gpus=slices) == ("MIG-a",)
    assert place(taken=[("MIG-a",)], gpus=slices) == ("MIG-b",)
    assert place(taken=[("MIG-a",), ("MIG-b",)], gpus=slices) is None
    assert environment(Recipe(), ("MIG-b",)) == {"CUDA_VISIBLE_DEVICES": "MIG-b"}


def test_an_index_is_the_drivers_and_not_that_of_the_fastest_first():
    """A driver that tells no uuid leaves only the index."""
    bare = GpuSample(1, "H100", memory_used=0, memory_total=80 * GB)
    assert place(gpus=[bare]) == ("1",)
    assert environment(Recipe(), ("1",)) == {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
