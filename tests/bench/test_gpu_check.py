"""A minute on the GPU, rehearsed on a CPU; without a GPU one sentence."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch

from simclr_tui.bench import gpu_check
from simclr_tui.bench.gpu_check import compare_with_cpu, gpu_findings
from simclr_tui.bench.train import Bench
from simclr_tui.errors import ExitCode
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.device import Compute

CPU = Compute(torch.device("cpu"), None)
TINY = Recipe(width=0.0625, batch_size=8, image_size=8, epochs=10)


def test_the_findings_name_the_device_its_numbers_its_waits_and_each_preset(monkeypatch):
    monkeypatch.setattr(gpu_check, "_TIMED", 2)
    found = {finding.subject: finding for finding in gpu_findings(CPU, {"cifar10-sgd": TINY}, TINY)}
    assert list(found) == ["device", "numbers", "waits", "cifar10-sgd"]
    assert {finding.verdict for finding in found.values()} == {"good"}
    assert found["numbers"].finding.endswith("by 0, 0, 0")
    assert found["waits"].finding.startswith("0 waits")
    assert "10 epochs of 50,000 images take" in found["cifar10-sgd"].finding


@pytest.mark.parametrize("wrong", [0.5, math.nan])
def test_wrong_numbers_are_bad(monkeypatch, wrong):
    answers = iter([[1.0, 2.0, wrong], [1.0, 2.0, 3.0]])
    monkeypatch.setattr(Bench, "losses", lambda *_: next(answers))
    finding = compare_with_cpu(CPU, TINY)
    assert finding.verdict == "bad"
    assert "--device cpu" in finding.finding


def test_a_preset_that_does_not_fit_says_what_to_give(monkeypatch):
    def full(*_):
        raise RuntimeError("CUDNN_STATUS_ALLOC_FAILED")

    monkeypatch.setattr(Bench, "images_per_s", full)
    finding = gpu_check.time_preset(CPU, "cifar10-sgd", TINY)
    assert (finding.verdict, finding.finding[-18:]) == ("note", "--micro-batch auto")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_doctor_says_one_sentence_and_ends_with_1():
    command = [sys.executable, "-m", "simclr_tui.cli.main", "doctor", "--gpu"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == ExitCode.FAILED == 1
    assert done.stdout == ""
    assert "sees no GPU" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
