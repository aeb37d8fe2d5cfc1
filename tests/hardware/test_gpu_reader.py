from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pynvml
import pytest

from simclr_tui.hardware import deadline, gpu
from simclr_tui.hardware.gpu import GpuReader, gpu_count, gpu_names, gpus
from simclr_tui.hardware.sample import GpuSample
from tests.hardware.fake_nvml import GIB, READINGS, FakeNvml, HandClock, nvml_error

SHORT = 0.3  # long enough for a call that does not hang on a busy machine
WHOLE = GpuSample(
    index=0,
    name="NVIDIA H100 80GB HBM3",
    uuid="GPU-0",
    memory_used=10 * GIB,
    memory_total=80 * GIB,
    utilization=0.97,
    temperature=61.0,
    power=512.5,
    power_limit=700.0,
    energy=9876.5,
)
FIELDS_OF = {
    "nvmlDeviceGetName": {"name"},
    "nvmlDeviceGetUUID": {"uuid"},
    "nvmlDeviceGetMemoryInfo": {"memory_used", "memory_total"},
    "nvmlDeviceGetUtilizationRates": {"utilization"},
    "nvmlDeviceGetTemperature": {"temperature"},
    "nvmlDeviceGetTotalEnergyConsumption": {"energy"},
    "nvmlDeviceGetPowerUsage": {"power"},
    "nvmlDeviceGetEnforcedPowerLimit": {"power_limit"},
    "nvmlDeviceGetComputeRunningProcesses": {"process_memory"},
}


def has_driver() -> bool:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    pynvml.nvmlShutdown()
    return True


def wait_until(condition) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit, "never came true"
        time.sleep(0.005)


def missing(sample: GpuSample) -> set[str]:
    return {field for field in sample.__struct_fields__ if getattr(sample, field) is None}


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def nvml():
    fake = FakeNvml()
    yield fake
    fake.release.set()  # let the threads that hang go


@pytest.mark.skipif(has_driver(), reason="this machine has an NVIDIA driver")
def test_the_real_pynvml_without_a_driver_finds_no_gpu_and_says_why():
    reader = GpuReader()

    assert reader.gpus() == ()
    assert "not found" in reader.problem.lower()
    assert (gpu_count(), gpu_names(), gpus()) == (0, (), ())


@pytest.mark.gpu
@pytest.mark.skipif(not has_driver(), reason="needs an NVIDIA GPU")
def test_a_real_gpu_tells_its_name_and_memory():
    samples = gpus()

    assert [gpu.name for gpu in samples] == list(gpu_names())
    assert gpu_count() == len(samples) > 0
    assert all(0 < (gpu.memory_used or 0) < (gpu.memory_total or 0) for gpu in samples)


def test_gpus_that_the_user_hides_are_not_counted(monkeypatch, clock):
    monkeypatch.setattr(gpu, "shared_reader", lambda: GpuReader(FakeNvml(3), clock))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-1")
    assert gpu_count() == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_count() == 0


def test_every_reading_arrives_in_its_unit(nvml, clock):
    reader = GpuReader(nvml, clock)

    (sample,) = reader.gpus()

    for field in WHOLE.__struct_fields__:
        assert getattr(sample, field) == pytest.approx(getattr(WHOLE, field)), field
    assert (reader.count(), reader.names(), reader.problem) == (1, (WHOLE.name,), "")
    assert nvml.calls["nvmlInit"] == 1


def test_no_driver_is_no_gpu_and_is_not_asked_again_until_the_pause_is_over(nvml, clock):
    nvml.errors["nvmlInit"] = nvml_error(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)
    reader = GpuReader(nvml, clock)

    assert (reader.gpus(), reader.count(), reader.names()) == ((), 0, ())
    assert nvml.calls["nvmlInit"] == 1
    assert reader.problem == "Driver Not Loaded"


def test_the_pause_doubles_from_five_seconds_to_five_minutes(nvml, clock):
    nvml.errors["nvmlInit"] = nvml_error(pynvml.NVML_ERROR_UNKNOWN)
    reader = GpuReader(nvml, clock)
    tried_at, start = [], clock.now
    while clock.now < start + 2000:
        before = nvml.calls["nvmlInit"]
        reader.gpus()
        if nvml.calls["nvmlInit"] > before:
            tried_at.append(clock.now - start)
        clock.advance(5)

    assert tried_at == [0, 5, 15, 35, 75, 155, 315, 615, 915, 1215, 1515, 1815]


def test_zero_gpus_is_an_answer_and_not_a_failure(clock):
    reader = GpuReader(FakeNvml(count=0), clock)

    assert (reader.gpus(), reader.count(), reader.problem) == ((), 0, "")


def test_a_hang_in_init_is_na_at_once_and_over_when_the_driver_comes_back(nvml, clock):
    nvml.hangs.add("nvmlInit")
    reader = GpuReader(nvml, clock, deadline=SHORT)

    assert reader.gpus() == ()
    assert reader.problem == "no answer within 0.3 s"
    assert [reader.count() for _ in range(50)] == [0] * 50
    assert nvml.calls["nvmlInit"] == 1

    nvml.hangs.clear()
    nvml.release.set()
    clock.advance(5)
    assert missing(*reader.gpus()) == {"process_memory"}
    wait_until(lambda: nvml.open_sessions == 1)  # the one that hung came back and closed what it had opened


@pytest.mark.parametrize("call", [*READINGS, "nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex"])
def test_a_hang_in_any_call_makes_the_gpu_na_and_keeps_its_name(nvml, clock, call):
    reader = GpuReader(nvml, clock, deadline=SHORT)
    (whole,) = reader.gpus({1})
    nvml.hangs.add(call)

    assert reader.gpus({1}) == (GpuSample(0, whole.name, whole.uuid),)
    asked = nvml.calls.copy()
    assert reader.gpus({1}) == (GpuSample(0, whole.name, whole.uuid),)
    assert nvml.calls == asked

    nvml.hangs.clear()
    clock.advance(5)
    assert reader.gpus({1}) == (whole,)


def test_threads_that_hang_for_good_are_few_and_do_not_hold_up_the_exit(nvml, clock):
    nvml.hangs.add("nvmlDeviceGetCount")
    reader = GpuReader(nvml, clock, deadline=SHORT)
    before = set(threading.enumerate())

    for _ in range(3 * deadline.MAX_STUCK):
        reader.gpus()
        clock.advance(deadline.LONGEST_PAUSE)

    assert nvml.calls["nvmlDeviceGetCount"] == deadline.MAX_STUCK
    left_behind = set(threading.enumerate()) - before
    assert [thread.daemon for thread in left_behind] == [True] * deadline.MAX_STUCK

    nvml.hangs.clear()
    nvml.release.set()
    wait_until(lambda: not any(thread.is_alive() for thread in left_behind))
    assert reader.count() == 1


def test_callers_in_other_threads_wait_for_one_deadline_and_not_for_one_each(nvml, clock):
    nvml.hangs.add("nvmlInit")
    reader = GpuReader(nvml, clock, deadline=SHORT)
    answers: list[object] = []
    callers = [threading.Thread(target=lambda: answers.append(reader.gpus())) for _ in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(10)

    assert answers == [()] * 16
    assert nvml.calls["nvmlInit"] == 1


@pytest.mark.parametrize("call", READINGS)
@pytest.mark.parametrize(
    "error",
    [
        nvml_error(pynvml.NVML_ERROR_NOT_SUPPORTED),
        nvml_error(pynvml.NVML_ERROR_NO_PERMISSION),
        nvml_error(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        OSError("access violation"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_one_call_that_fails_costs_its_own_field_only(nvml, clock, call, error):
    nvml.processes[0] = [(1, GIB)]
    nvml.errors[call] = error
    reader = GpuReader(nvml, clock)

    (sample,) = reader.gpus({1})

    assert missing(sample) == FIELDS_OF[call]
    assert reader.problem == ""


@pytest.mark.parametrize("call", READINGS)
def test_a_binding_without_a_function_costs_that_field_only(nvml, clock, call):
    class OldBinding:
        def __getattr__(self, name: str):
            if name == call:
                raise AttributeError(name)
            return getattr(nvml, name)

    nvml.processes[0] = [(1, GIB)]
    (sample,) = GpuReader(OldBinding(), clock).gpus({1})

    assert missing(sample) == FIELDS_OF[call]


def test_a_mig_gpu_without_utilisation_and_power_still_shows_its_memory(nvml, clock):
    not_supported = nvml_error(pynvml.NVML_ERROR_NOT_SUPPORTED)
    nvml.errors = {"nvmlDeviceGetUtilizationRates": not_supported, "nvmlDeviceGetPowerUsage": not_supported}

    (sample,) = GpuReader(nvml, clock).gpus()

    assert (sample.memory_used, sample.temperature) == (10 * GIB, 61.0)
    assert missing(sample) == {"utilization", "power", "process_memory"}


def test_an_old_driver_without_the_second_memory_call_is_asked_the_first(nvml, clock):
    nvml.nvmlDeviceGetMemoryInfo = lambda handle: SimpleNamespace(used=3 * GIB, total=4 * GIB)

    (sample,) = GpuReader(nvml, clock).gpus()

    assert (sample.memory_used, sample.memory_total) == (3 * GIB, 4 * GIB)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("nvmlDeviceGetName", b""),
        ("nvmlDeviceGetName", 7),
        ("nvmlDeviceGetUUID", None),
        ("nvmlDeviceGetMemoryInfo", SimpleNamespace(used=2**64 - 1, total=-1)),
        ("nvmlDeviceGetMemoryInfo", SimpleNamespace(used="10", total=None)),
        ("nvmlDeviceGetMemoryInfo", 3.5),
        ("nvmlDeviceGetUtilizationRates", SimpleNamespace(gpu=4_294_967_295)),
        ("nvmlDeviceGetUtilizationRates", SimpleNamespace(gpu=-1)),
        ("nvmlDeviceGetTemperature", math.nan),
        ("nvmlDeviceGetTemperature", 65535),
        ("nvmlDeviceGetPowerUsage", 2**32 - 1),
        ("nvmlDeviceGetPowerUsage", "n/a"),
        ("nvmlDeviceGetEnforcedPowerLimit", math.inf),
        ("nvmlDeviceGetComputeRunningProcesses", None),
        ("nvmlDeviceGetComputeRunningProcesses", [None, SimpleNamespace(), SimpleNamespace(pid=1)]),
    ],
)
def test_garbage_is_na_and_never_a_number(nvml, clock, call, answer):
    nvml.answers[call] = answer

    (sample,) = GpuReader(nvml, clock).gpus({1})

    assert missing(sample) == FIELDS_OF[call] | {"process_memory"}


@pytest.mark.parametrize("count", [-1, None, "8", 2**31, 1.5])
def test_a_count_that_cannot_be_is_a_failure_with_its_value(nvml, clock, count):
    nvml.count = count
    reader = GpuReader(nvml, clock)

    assert reader.gpus() == ()
    assert repr(count) in reader.problem
    assert nvml.open_sessions == 0


def test_names_in_bytes_and_with_terminal_codes_become_plain_text(nvml, clock):
    nvml.answers["nvmlDeviceGetName"] = b"NVIDIA \xff\x1b]0;x\x07 H100"
    nvml.answers["nvmlDeviceGetUUID"] = "GPU-\x9b31m"
    reader = GpuReader(nvml, clock)

    (sample,) = reader.gpus()

    assert sample.name == "NVIDIA �␛]0;x␇ H100"
    assert sample.uuid == "GPU-�31m"
    assert reader.names() == (sample.name,)


def test_process_memory_is_summed_over_the_tree_and_the_instances(clock):
    nvml = FakeNvml(count=3)
    nvml.processes = {0: [(10, 4 * GIB), (11, GIB), (99, 7 * GIB)], 1: [(10, GIB), (10, 2 * GIB)], 2: [(99, GIB)]}

    samples = GpuReader(nvml, clock).gpus({10, 11, 12})

    assert [gpu.process_memory for gpu in samples] == [5 * GIB, 3 * GIB, 0]


def test_process_memory_is_na_where_nvml_lists_none_of_our_pids(clock):
    nvml = FakeNvml(count=2)
    nvml.processes = {0: [(99, GIB)]}  # as in a container, where the pids listed are the host's
    reader = GpuReader(nvml, clock)

    assert [gpu.process_memory for gpu in reader.gpus({10})] == [None, None]
    nvml.processes[1] = [(10, None)]
    assert [gpu.process_memory for gpu in reader.gpus({10})] == [0, None]


def test_processes_are_not_listed_when_nobody_asks_for_them(nvml, clock):
    GpuReader(nvml, clock).gpus()

    assert nvml.calls["nvmlDeviceGetComputeRunningProcesses"] == 0


def test_a_lost_gpu_goes_na_alone_and_comes_back_with_a_new_session(clock):
    nvml = FakeNvml(count=2)
    reader = GpuReader(nvml, clock)
    whole = reader.gpus()
    nvml.lost.add(1)

    assert reader.gpus() == (whole[0], GpuSample(1, whole[1].name, "GPU-1"))
    assert nvml.open_sessions == 0
    assert reader.gpus() == (whole[0], GpuSample(1, whole[1].name, "GPU-1"))

    nvml.repair()
    assert reader.gpus()[1].memory_used is None, "a session is not started anew for each sample"
    clock.advance(5)
    reader.gpus()
    assert reader.gpus() == whole


def test_sessions_are_started_anew_ever_less_often_while_a_gpu_stays_lost(clock):
    nvml = FakeNvml(count=2)
    nvml.lost.add(0)
    reader = GpuReader(nvml, clock)
    for _ in range(600):
        assert [gpu.alive() for gpu in reader.gpus()] == [False, True]
        clock.advance(1)

    assert nvml.calls["nvmlInit"] == 1 + len([0, 5, 15, 35, 75, 155, 315])


def test_a_gpu_lost_a_second_time_is_tried_again_as_soon_as_the_first(clock):
    nvml = FakeNvml(count=2)
    reader = GpuReader(nvml, clock)
    nvml.lost.add(1)
    for _ in range(100):
        reader.gpus()
        clock.advance(1)
    nvml.repair()
    clock.advance(300)
    reader.gpus()
    whole = reader.gpus()
    assert all(gpu.alive() for gpu in whole)

    nvml.lost.add(1)
    assert not reader.gpus()[1].alive()
    assert reader.gpus() == whole


def test_a_driver_unloaded_midway_is_na_until_it_is_back(nvml, clock):
    reader = GpuReader(nvml, clock)
    (whole,) = reader.gpus()
    nvml.errors["nvmlDeviceGetCount"] = nvml_error(pynvml.NVML_ERROR_UNINITIALIZED)

    assert reader.gpus() == (GpuSample(0, whole.name, whole.uuid),)
    assert (reader.count(), reader.problem, nvml.open_sessions) == (0, "Uninitialized", 0)

    nvml.errors.clear()
    assert reader.gpus() == (GpuSample(0, whole.name, whole.uuid),)
    clock.advance(5)
    assert reader.gpus() == (whole,)
    assert reader.problem == ""


def test_a_success_makes_the_next_pause_short_again(nvml, clock):
    reader = GpuReader(nvml, clock)
    for pause in (5, 10, 20):
        nvml.errors["nvmlInit"] = nvml.errors["nvmlDeviceGetCount"] = nvml_error(pynvml.NVML_ERROR_UNKNOWN)
        assert reader.count() == 0
        clock.advance(pause)
    nvml.errors.clear()
    assert reader.count() == 1

    nvml.errors["nvmlDeviceGetCount"] = nvml_error(pynvml.NVML_ERROR_UNKNOWN)
    assert reader.count() == 0
    nvml.errors.clear()
    clock.advance(5)
    assert reader.count() == 1


def test_a_shutdown_that_fails_is_no_failure_of_the_reader(clock):
    nvml = FakeNvml(count=2)
    nvml.errors["nvmlShutdown"] = nvml_error(pynvml.NVML_ERROR_UNINITIALIZED)
    nvml.lost.add(1)
    reader = GpuReader(nvml, clock)

    assert [gpu.alive() for gpu in reader.gpus()] == [True, False]
    assert [gpu.alive() for gpu in reader.gpus()] == [True, False]


def test_importing_the_package_brings_neither_torch_nor_numpy_nor_pynvml():
    code = (
        "import sys, simclr_tui.hardware, simclr_tui.hardware.sampler;"
        "print([name for name in ('torch', 'numpy', 'pynvml', 'asyncio') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_a_program_ends_while_nvml_hangs():
    code = (
        "import threading, types;"
        "from simclr_tui.hardware.gpu import GpuReader;"
        "hung = types.SimpleNamespace(nvmlInit=threading.Event().wait);"
        "print(GpuReader(hung, deadline=0.05).count())"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert shown.stdout.strip() == "0"
