from __future__ import annotations

from types import SimpleNamespace

import torch

from simclr_tui.train.observe import step_metrics
from simclr_tui.train.observe.step_metrics import Telemetry


def test_the_allocator_is_asked_about_once_a_second(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: asked.append(1) or 100)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 200)
    telemetry = Telemetry(SimpleNamespace(), SimpleNamespace(), torch.device("cuda"), batch_size=8, candidates=15)
    rows = [telemetry._memory(0.01 * step) for step in range(250)]
    assert len(asked) == 3
    assert [index for index, row in enumerate(rows) if row] == [0, 100, 200]
    assert rows[100] == {"gpu_allocated": 100.0, "gpu_reserved": 200.0}
    assert step_metrics._MEMORY_EVERY == 1.0


def test_the_memory_of_apples_gpu_is_read_too(monkeypatch):
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 10)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 20)
    telemetry = Telemetry(SimpleNamespace(), SimpleNamespace(), torch.device("mps"), batch_size=8, candidates=15)
    assert telemetry._memory(0.0) == {"gpu_allocated": 10.0, "gpu_reserved": 20.0}
