from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import msgspec
import psutil
import pytest

from simclr_tui.hardware import sampler as sampler_module
from simclr_tui.hardware.gpu import GpuReader
from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.hardware.sampler import Sampler, machine_summary
from tests.hardware.fake_nvml import GIB, FakeNvml, HandClock, nvml_error


@pytest.fixture
def clock():
    return HandClock()


def test_a_sample_holds_host_gpu_and_process_readings(clock, tmp_path):
    nvml = FakeNvml()
    nvml.processes[0] = [(os.getpid(), 3 * GIB)]
    sampler = Sampler(os.getpid(), tmp_path, clock, nvml=nvml)
    first = sampler.sample()
    clock.advance(1)
    second = sampler.sample()

    assert (first.time, second.time) == (1.7e9 + 1000, 1.7e9 + 1001)
    assert [gpu.process_memory for gpu in second.gpus] == [3 * GIB]
    assert second.ram_total == psutil.virtual_memory().total
    assert second.process_rss > 10_000_000
    assert second.disk_free > 0
    assert first.process_cpu is None
    assert second.process_cpu >= 0


def test_without_a_process_and_a_disk_their_fields_are_unknown(clock):
    sample = Sampler(clock=clock, nvml=FakeNvml()).sample()

    assert (sample.process_rss, sample.process_cpu, sample.disk_free) == (None, None, None)
    assert sample.gpus[0].process_memory is None
    assert sample.ram_used > 0


def test_the_process_fields_empty_when_the_process_ends(clock):
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    sampler = Sampler(child.pid, clock=clock, nvml=FakeNvml())
    alive = sampler.sample()
    child.communicate()
    ended = sampler.sample()

    assert alive.process_rss > 0
    assert (ended.process_rss, ended.process_cpu) == (None, None)
    assert ended.ram_used > 0


def test_a_hung_driver_leaves_the_host_readings_standing(clock, tmp_path):
    nvml = FakeNvml()
    nvml.hangs.add("nvmlDeviceGetUtilizationRates")
    sampler = Sampler(os.getpid(), tmp_path, clock, nvml=nvml)
    samples = [sampler.sample() for _ in range(20)]
    nvml.release.set()

    assert nvml.calls["nvmlDeviceGetUtilizationRates"] == 1
    assert all(sample.gpus == () and sample.process_rss and sample.disk_free for sample in samples)


def test_a_hung_disk_leaves_the_other_readings_standing(clock, tmp_path, monkeypatch):
    nvml = FakeNvml()
    asked = []

    def stalled(path):
        asked.append(path)
        nvml.release.wait()

    monkeypatch.setattr(sampler_module, "disk_free", stalled)
    sampler = Sampler(os.getpid(), tmp_path, clock, nvml=nvml)
    samples = [sampler.sample() for _ in range(20)]
    nvml.release.set()

    assert asked == [tmp_path]
    assert all(sample.disk_free is None and sample.gpus[0].alive() for sample in samples)


def test_samplers_with_nothing_injected_share_one_reader():
    assert Sampler()._gpus is Sampler()._gpus
    assert Sampler(nvml=FakeNvml())._gpus is not Sampler()._gpus


def test_a_sample_goes_through_json_without_its_unknowns(clock, tmp_path):
    sample = Sampler(os.getpid(), tmp_path, clock, nvml=FakeNvml()).sample()
    line = msgspec.json.encode(sample)

    assert msgspec.json.decode(line, type=HardwareSample) == sample
    assert msgspec.json.encode(HardwareSample(1.5, (GpuSample(0, power=2.5),))) == (
        b'{"time":1.5,"gpus":[{"index":0,"power":2.5}]}'
    )


def summary(*gpus: tuple[str | bytes, int | None], clock=None) -> str:
    """The summary of a machine with GPUs of these names and GiB."""
    nvml = FakeNvml(count=len(gpus))
    nvml.nvmlDeviceGetName = lambda handle: gpus[handle][0]
    nvml.nvmlDeviceGetMemoryInfo = lambda handle, version=None: SimpleNamespace(
        used=0, total=None if gpus[handle][1] is None else int(gpus[handle][1] * GIB)
    )
    return machine_summary(GpuReader(nvml))


@pytest.mark.parametrize(
    ("name", "gib", "text"),
    [
        ("NVIDIA H100 80GB HBM3", 79.65, "H100 80 GB"),
        ("NVIDIA H100 PCIe", 79.65, "H100 80 GB"),
        ("NVIDIA H200", 140.4, "H200 140 GB"),
        ("NVIDIA A100-SXM4-40GB", 40.0, "A100 40 GB"),
        ("NVIDIA A100 80GB PCIe", 80.0, "A100 80 GB"),
        ("Tesla V100-SXM2-16GB", 16.0, "V100 16 GB"),
        ("Tesla T4", 15.0, "T4 15 GB"),
        ("NVIDIA GeForce RTX 4090", 23.99, "RTX 4090 24 GB"),
        ("NVIDIA RTX 6000 Ada Generation", 48.0, "RTX 6000 Ada Generation 48 GB"),
        ("NVIDIA L40S", None, "L40S"),
        (b"\xff\x1b[31m", None, "�␛[31m"),
        ("", 8.0, "GPU 8 GB"),
    ],
)
def test_a_gpu_is_named_as_people_call_it(name, gib, text):
    assert summary((name, gib)) == text


def test_equal_gpus_are_counted_and_others_listed():
    h100, l4 = ("NVIDIA H100 80GB HBM3", 79.65), ("NVIDIA L4", 22.5)

    assert summary(*[h100] * 8) == "8 × H100 80 GB"
    assert summary(h100, l4, h100) == "2 × H100 80 GB, L4 22 GB"


def test_a_machine_without_a_gpu_is_its_cores_and_memory(monkeypatch):
    nvml = FakeNvml()
    nvml.errors["nvmlInit"] = nvml_error(9)
    monkeypatch.setattr(sampler_module, "core_count", lambda: 2)
    monkeypatch.setattr(sampler_module, "ram", lambda: (0, 25_276_502_016))
    assert machine_summary(GpuReader(nvml)) == "2 cores, 23.5 GB RAM, no GPU"

    monkeypatch.setattr(sampler_module, "core_count", lambda: 1)
    monkeypatch.setattr(sampler_module, "ram", lambda: (None, None))
    assert machine_summary(GpuReader(nvml)) == "1 core, no GPU"


def test_the_summary_of_this_machine_is_one_line():
    shown = machine_summary()

    assert shown
    assert "\n" not in shown
