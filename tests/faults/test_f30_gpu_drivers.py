"""F30: whatever a driver does, its readings are n/a, it is asked ever less often, and nobody waits for it."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pynvml

from simclr_tui.hardware.gpu import GpuReader
from simclr_tui.hardware.sample import GpuSample
from simclr_tui.hardware.sampler import Sampler, machine_summary
from tests.hardware.fake_nvml import GIB, FakeNvml, HandClock, nvml_error

SHORT = 0.2  # seconds that a reader waits for a call that hangs
PAUSES = [0, 5, 15, 35, 75, 155, 315, 615, 915]  # when a driver that fails is asked within 1,000 seconds


@dataclass
class Stub:
    """`does` makes a driver misbehave. `whole`: none of its readings is to be had, and it is asked ever less often;
    else `missing` are n/a, and the driver is asked every time."""

    name: str
    does: Any
    whole: bool = True
    hangs: bool = False
    missing: set[str] = field(default_factory=set)
    gpus: int = 1


def fails(call, error):
    return lambda nvml: nvml.errors.update({call: error})


def code(number):
    return nvml_error(number)


def hangs(call):
    return lambda nvml: nvml.hangs.add(call)


def answers(**those):
    return lambda nvml: nvml.answers.update(those)


def both(*steps):
    return lambda nvml: [step(nvml) for step in steps]


NOT_SUPPORTED = code(pynvml.NVML_ERROR_NOT_SUPPORTED)
STUBS = [
    Stub("no driver", fails("nvmlInit", code(pynvml.NVML_ERROR_DRIVER_NOT_LOADED))),
    Stub("hangs at init", hangs("nvmlInit"), hangs=True),
    Stub("hangs at a reading", hangs("nvmlDeviceGetUtilizationRates"), hangs=True),
    Stub(
        "MIG",
        both(
            fails("nvmlDeviceGetUtilizationRates", NOT_SUPPORTED),
            fails("nvmlDeviceGetPowerUsage", NOT_SUPPORTED),
            fails("nvmlDeviceGetEnforcedPowerLimit", NOT_SUPPORTED),
        ),
        whole=False,
        missing={"utilization", "power", "power_limit"},
    ),
    Stub("no library", fails("nvmlInit", code(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND))),
    Stub("no binding", fails("nvmlInit", ImportError("No module named 'pynvml'"))),
    Stub("error at init", fails("nvmlInit", code(pynvml.NVML_ERROR_UNKNOWN))),
    Stub("driver and library of two versions", fails("nvmlInit", code(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH))),
    Stub("hangs while it counts", hangs("nvmlDeviceGetCount"), hangs=True),
    Stub("unloaded under way", fails("nvmlDeviceGetCount", code(pynvml.NVML_ERROR_UNINITIALIZED))),
    Stub("counts what cannot be", answers(nvmlDeviceGetCount="many")),
    Stub("access violation", fails("nvmlDeviceGetCount", OSError("exception: access violation reading 0x0"))),
    Stub("no GPU", lambda nvml: setattr(nvml, "count", 0), whole=False, gpus=0),
    Stub(
        "GPU is lost", lambda nvml: nvml.lost.add(0), whole=False,
        missing={"uuid", "memory_used", "memory_total", "process_memory", "utilization", "temperature", "power",
                 "power_limit"},
    ),
    Stub(
        "no permission for processes",
        fails("nvmlDeviceGetComputeRunningProcesses", code(pynvml.NVML_ERROR_NO_PERMISSION)),
        whole=False, missing={"process_memory"},
    ),
    Stub(
        "memory is not told", fails("nvmlDeviceGetMemoryInfo", NOT_SUPPORTED),
        whole=False, missing={"memory_used", "memory_total"},
    ),
    Stub(
        "memory shared with the host",
        answers(nvmlDeviceGetMemoryInfo=SimpleNamespace(used=2**64 - 1, total=2**64 - 1)),
        whole=False, missing={"memory_used", "memory_total"},
    ),
    Stub(
        "garbage for figures",
        answers(nvmlDeviceGetTemperature=65535, nvmlDeviceGetPowerUsage="?", nvmlDeviceGetUtilizationRates=None),
        whole=False, missing={"temperature", "power", "utilization"},
    ),
    Stub(
        "escapes for names",
        answers(nvmlDeviceGetName=b"H100 \xff\x1b]0;x\x07\x1b[2J\n", nvmlDeviceGetUUID="\x9b31m\u202e"),
        whole=False,
    ),
    Stub("a handle is refused", fails("nvmlDeviceGetHandleByIndex", code(pynvml.NVML_ERROR_IN_USE)), whole=False,
         missing=set(GpuSample.__struct_fields__) - {"index", "energy"}),
]  # fmt: skip


def test_a_driver_that_misbehaves_is_na_asked_ever_less_often_and_never_waited_for(fault, monkeypatch):
    joins: list[float | None] = []
    join = threading.Thread.join
    monkeypatch.setattr(threading.Thread, "join", lambda self, limit=None: (joins.append(limit), join(self, limit))[1])
    times = fault(
        "F30", len(STUBS), "stubs of the driver's library, each asked every five seconds for 1,000", few=len(STUBS)
    )
    for stub in STUBS[:times]:
        with driver(stub) as nvml:
            joins.clear()
            asked = ask_for_a_while(stub, nvml)
            assert asked == (PAUSES[: 4 if stub.hangs else None] if stub.whole else list(range(0, 1000, 5))), stub.name
            # A caller waits at most its deadline, and only when the driver is asked: a pause costs nothing.
            assert joins == [SHORT] * len(joins)
            assert len(joins) <= 3 * len(asked), stub.name


def ask_for_a_while(stub, nvml):
    """When the driver was asked, in seconds since the first time; each answer is what can be had."""
    clock = HandClock()
    reader = GpuReader(nvml, clock, deadline=SHORT)
    begin, asked = clock.now, []
    while clock.now < begin + 1000:
        before = nvml.calls.total()
        samples = reader.gpus({10})
        if nvml.calls.total() > before:
            asked.append(int(clock.now - begin))
        assert [missing(sample) for sample in samples] == ([] if stub.whole else [stub.missing] * stub.gpus), stub.name
        assert all(text.isprintable() for sample in samples for text in (sample.name or "", sample.uuid or "")), (
            stub.name
        )
        assert bool(reader.problem) == stub.whole, stub.name
        clock.advance(5)
    return asked


def test_the_machine_is_sampled_and_told_in_a_line_whatever_the_driver_does(fault):
    for stub in STUBS[: fault("F30", len(STUBS), "samples of the whole machine beside such a driver", few=len(STUBS))]:
        with driver(stub) as nvml:
            clock = HandClock()
            sample = Sampler(nvml=nvml, clock=clock).sample()
            assert len(sample.gpus) == (0 if stub.whole else stub.gpus), stub.name
            assert sample.ram_total
            line = machine_summary(GpuReader(nvml, clock, deadline=SHORT))
            assert line.isprintable()
            assert ("no GPU" in line) == (stub.whole or not stub.gpus), (stub.name, line)


@contextlib.contextmanager
def driver(stub):
    nvml = FakeNvml()
    nvml.processes[0] = [(10, GIB)]
    stub.does(nvml)
    yield nvml
    nvml.release.set()  # let the threads that hang go


def missing(sample):
    """What is n/a; the counter of energy is left out, which power is integrated in place of."""
    return {name for name in sample.__struct_fields__ if getattr(sample, name) is None} - {"energy"}
