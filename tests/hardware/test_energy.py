"""Energy and GPU time are summed from samples, by counters where there are some; the unmeasured stays unknown."""

from __future__ import annotations

import pytest

from simclr_tui.catalog.compare import compare
from simclr_tui.hardware.energy import EnergyMeter
from simclr_tui.hardware.gpu import GpuReader
from simclr_tui.hardware.rapl import RaplMeter
from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.store.energy import Energy, read_energy, write_energy
from simclr_tui.text import energy
from simclr_tui.train.observe.reporter import Reporter
from tests.hardware.fake_nvml import FakeNvml
from tests.run_factory import make_run


def meter_of(samples, alone=False) -> Energy:
    meter = EnergyMeter(alone)
    for sample in samples:
        meter.add(sample)
    return meter.energy


def at(time, *gpus, cpu=None) -> HardwareSample:
    return HardwareSample(time=time, gpus=tuple(gpus), cpu_energy=cpu)


def test_power_is_integrated_by_the_trapezoidal_rule():
    samples = [at(t, GpuSample(0, process_memory=1, power=watts)) for t, watts in ((0, 100), (1, 200), (3, 300))]
    assert meter_of(samples) == Energy(gpu=150 + 500, gpu_seconds=3)


def test_a_gpus_own_counter_is_used_where_it_has_one_over_any_pause():
    samples = [at(t, GpuSample(0, process_memory=1, power=9.0, energy=e)) for t, e in ((0, 50), (1, 250), (100, 1250))]
    assert meter_of(samples) == Energy(gpu=1200, gpu_seconds=1)
    restarted = [at(t, GpuSample(0, process_memory=1, power=10.0, energy=e)) for t, e in ((0, 500), (1, 2))]
    assert meter_of(restarted).gpu == 10, "a counter that starts again says nothing of the second before"


def test_only_the_gpus_that_hold_the_runs_memory_count_each_with_its_time():
    mine, other = GpuSample(0, process_memory=5, power=100.0), GpuSample(1, process_memory=0, power=400.0)
    assert meter_of([at(0, mine, other), at(2, mine, other)]) == Energy(gpu=200, gpu_seconds=2)
    both = [GpuSample(index, process_memory=5, power=100.0) for index in range(2)]
    assert meter_of([at(0, *both), at(2, *both)]) == Energy(gpu=400, gpu_seconds=4)


def test_where_the_driver_names_no_processes_only_a_machines_single_gpu_can_be_meant():
    one, two = GpuSample(0, power=100.0), GpuSample(1, power=100.0)
    assert meter_of([at(0, one), at(1, one)], alone=True).gpu == 100
    assert meter_of([at(0, one), at(1, one)]) == Energy()
    assert meter_of([at(0, one, two), at(1, one, two)], alone=True) == Energy()


@pytest.mark.parametrize("times", [(0, 60), (5, 4), (3, 3)])
def test_a_pause_and_a_clock_that_was_set_add_nothing(times):
    assert meter_of([at(t, GpuSample(0, process_memory=1, power=100.0)) for t in times]) == Energy()


def test_the_cpus_energy_is_that_of_all_packages_and_goes_over_the_end_of_a_counter(tmp_path):
    for name, kind, start in (("intel-rapl:0", "package-0", 900), ("intel-rapl:1", "package-1", 0)):
        (tmp_path / name).mkdir()
        for file, text in (("name", kind), ("energy_uj", str(start)), ("max_energy_range_uj", "1000")):
            (tmp_path / name / file).write_text(text)
    (tmp_path / "intel-rapl:0:0").mkdir()
    (tmp_path / "intel-rapl:0:0" / "name").write_text("core")
    meter = RaplMeter(tmp_path)
    assert meter.read() == 0
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("100")
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("50")
    assert meter.read() == pytest.approx(250e-6)
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    assert meter.read() is None
    assert RaplMeter(tmp_path / "nowhere").read() is None


def test_nvmls_counter_arrives_in_joules():
    nvml = FakeNvml()
    nvml.answers["nvmlDeviceGetTotalEnergyConsumption"] = 12_500
    (gpu,) = GpuReader(nvml).gpus()
    assert gpu.energy == 12.5


def test_a_run_sums_its_attempts_and_lists_it_with_the_others(tmp_path):
    run, other = make_run(tmp_path, "a"), make_run(tmp_path, "b")
    assert read_energy(run.paths) == Energy()
    run.paths.attempt(2).root.mkdir()
    write_energy(run.paths.attempt(1), Energy(gpu=3600.0, gpu_seconds=10.0))
    write_energy(run.paths.attempt(2), Energy(gpu=7200.0, cpu=5.0, gpu_seconds=20.0))
    assert read_energy(run.paths) == Energy(gpu=10800.0, cpu=5.0, gpu_seconds=30.0)
    reporter = Reporter(run.paths)
    reporter.ended("finished", "", 0)
    assert run.status.summary["gpu_energy"] == 10800.0
    rows = {measure.name: measure for measure in compare([run, other]).measures}
    assert [rows["GPU energy"].words(place) for place in (0, 1)] == ["3 Wh", "–"]
    (run.paths.attempt(2).root / "energy.json").write_text("{")
    assert read_energy(run.paths) == Energy(gpu=3600.0, gpu_seconds=10.0)


@pytest.mark.parametrize(
    ("joules", "words"), [(0, "0 Wh"), (1512, "0.42 Wh"), (3_599_000, "1 kWh"), (4.7e6, "1.31 kWh"), (None, "–")]
)
def test_energy_is_written_as_people_read_it(joules, words):
    assert energy(joules) == words
