"""Choosing the device: every answer that NVML and torch can give together ends in training where it should, or in a
sentence. No GPU is needed: their answers are given here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train import cuda_support, device
from simclr_tui.train.cuda_support import has_kernels
from simclr_tui.train.device import choose_compute, to_device


class Nvml:
    """A driver 535 with one GPU, or one that is not there."""

    class NVMLError(Exception):
        pass

    def __init__(self, count: int | None) -> None:
        self.count = count

    def nvmlInit(self):
        if self.count is None:
            raise self.NVMLError("library not found")

    nvmlShutdown = nvmlInit

    def nvmlDeviceGetCount(self):
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetName(self, _handle):
        return "NVIDIA A100"

    def nvmlSystemGetDriverVersion(self):
        return "535.104"

    def nvmlSystemGetCudaDriverVersion(self):
        return 12020


def machine(monkeypatch, *, nvml: int | None, torch_sees: bool, built: str | None):
    for name in ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cuda_support, "pynvml", Nvml(nvml))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: torch_sees)
    monkeypatch.setattr(torch.version, "cuda", built)


@pytest.fixture
def gpu(monkeypatch):
    """A GPU that torch sees, of which the test says the compute capability."""
    machine(monkeypatch, nvml=1, torch_sees=True, built="13.0")
    facts = SimpleNamespace(capability=(8, 0), bf16=True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA Something")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: facts.capability)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80", "sm_90", "compute_90"])
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: facts.bf16)
    return facts


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_a_driver_too_old_for_torch_is_refused_with_both_versions(monkeypatch, name):
    machine(monkeypatch, nvml=1, torch_sees=False, built="13.0")
    with pytest.raises(
        RecipeError, match=r"built for CUDA 13.0.*A100.*driver 535.104 supports CUDA up to 12.2"
    ) as told:
        choose_compute(Recipe(device=name))
    assert "--device cpu" in str(told.value)


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_a_gpu_beside_a_torch_for_cpus_is_refused(monkeypatch, name):
    machine(monkeypatch, nvml=1, torch_sees=False, built=None)
    with pytest.raises(RecipeError, match=r"A100.*but torch .* is built for CPUs"):
        choose_compute(Recipe(device=name))


@pytest.mark.parametrize("count", [None, 0])
def test_without_a_gpu_auto_is_the_cpu(monkeypatch, count):
    machine(monkeypatch, nvml=count, torch_sees=False, built="13.0")
    assert choose_compute(Recipe()).device.type == "cpu"
    with pytest.raises(RecipeError, match="sees no GPU"):
        choose_compute(Recipe(device="cuda"))


@pytest.mark.parametrize(("variable", "value"), [("CUDA_VISIBLE_DEVICES", ""), ("CUDA_VISIBLE_DEVICES", "-1")])
def test_a_gpu_that_the_user_hides_is_not_there(monkeypatch, variable, value):
    machine(monkeypatch, nvml=1, torch_sees=False, built=None)
    monkeypatch.setenv(variable, value)
    assert choose_compute(Recipe()).device.type == "cpu"


def test_the_cpu_is_never_refused(monkeypatch):
    machine(monkeypatch, nvml=1, torch_sees=False, built=None)
    assert choose_compute(Recipe(device="cpu")).device.type == "cpu"


def test_a_gpu_older_than_torchs_kernels_is_refused(gpu):
    gpu.capability = (7, 0)
    with pytest.raises(RecipeError, match=r"no kernels for NVIDIA Something \(compute capability 7.0\)"):
        choose_compute(Recipe())


@pytest.mark.parametrize(
    ("capability", "built", "runs"),
    [
        ((8, 0), ["sm_80"], True),
        ((8, 6), ["sm_80"], True),
        ((8, 0), ["sm_86"], False),
        ((9, 0), ["sm_80"], False),
        ((7, 0), ["sm_75", "sm_80", "compute_80"], False),
        ((12, 0), ["sm_80", "compute_90"], True),
        ((9, 0), ["sm_90a"], True),
        ((10, 0), ["sm_90a"], False),
        ((12, 1), ["sm_120"], True),
        ((8, 0), ["something else"], False),
    ],
)
def test_binary_code_runs_on_its_major_version_and_ptx_on_what_is_newer(capability, built, runs):
    assert has_kernels(capability, built) == runs


@pytest.mark.parametrize(
    ("capability", "bf16", "scales_loss", "precision"),
    [
        ((8, 0), True, True, "bf16"),
        ((7, 5), False, True, "fp16"),
        ((7, 5), False, False, "fp32"),
    ],
)
def test_auto_is_the_best_precision_of_the_gpu(gpu, capability, bf16, scales_loss, precision):
    gpu.capability, gpu.bf16 = capability, bf16
    assert choose_compute(Recipe(), scales_loss=scales_loss).precision == precision


def test_matrix_products_keep_float32_on_a_gpu(gpu):
    torch.set_float32_matmul_precision("high")
    choose_compute(Recipe())
    assert torch.get_float32_matmul_precision() == "highest"


def test_apples_gpu_is_taken_where_there_is_no_other_in_float32(monkeypatch):
    machine(monkeypatch, nvml=None, torch_sees=False, built=None)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    compute = choose_compute(Recipe())
    assert (compute.device.type, compute.precision, compute.name) == ("mps", "fp32", "Apple GPU (MPS)")
    assert compute.float64_device.type == "cpu"


def test_a_copy_to_a_gpu_comes_from_pinned_memory_and_wakes_no_other_thread(monkeypatch):
    asked, empty = [], torch.empty
    tensor = torch.rand(50_000)  # torch would copy so many with a thread for each core
    monkeypatch.setattr(torch.Tensor, "copy_", lambda *_, **__: pytest.fail("copied by torch"))
    monkeypatch.setattr(torch, "empty", lambda *a, pin_memory, **k: asked.append(pin_memory) or empty(*a, **k))
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *_, **options: asked.append(options) or self)
    copied = to_device(tensor, torch.device("cuda"))
    assert asked == [True, {"non_blocking": True}]
    assert torch.equal(copied, tensor)
    assert device.to_device(tensor, torch.device("cpu")) is tensor
