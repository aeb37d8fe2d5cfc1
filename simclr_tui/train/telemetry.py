"""Figures of each step, read back from the device a few steps late so that no step waits for them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from simclr_tui.train.guard import Guard
from simclr_tui.train.report import Reporter

_LAG = 8  # steps the device may be ahead of the log
_WINDOW = 10  # steps over which speed is averaged


@dataclass(frozen=True)
class _Pending:
    step: int
    lr: float
    figures: Tensor  # (3,): loss, contrastive top-1, gradient norm
    ready: torch.cuda.Event | None
    rates: dict[str, float]


class Telemetry:
    """Writes one metric line a step."""

    def __init__(self, report: Reporter, guard: Guard, device: torch.device, batch_size: int) -> None:
        self._report = report
        self._guard = guard
        self._device = device
        self._batch_size = batch_size
        self._pending: deque[_Pending] = deque()
        self._losses: deque[float] = deque(maxlen=5)
        self._durations: deque[float] = deque(maxlen=_WINDOW)
        self._last = time.perf_counter()

    def resume_clock(self) -> None:
        """What happened since the last step (an evaluation, a checkpoint) is not counted as training."""
        self._last = time.perf_counter()

    def step(self, step: int, lr: float, loss: Tensor, top1: Tensor, grad_norm: Tensor, waited: float) -> None:
        """Note a step whose kernels may still be running; `waited` is the time in s its images took to come."""
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        self._durations.append(seconds)
        mean = sum(self._durations) / len(self._durations)
        rates = {"images_per_s": self._batch_size / mean, "data_wait": min(1.0, waited / seconds)}
        figures = torch.stack((loss.detach().float(), top1.float(), grad_norm))
        ready = None
        if self._device.type == "cuda":
            rates |= self._memory()
            on_host = torch.empty(3, pin_memory=True)
            on_host.copy_(figures, non_blocking=True)
            figures, ready = on_host, torch.cuda.Event()
            ready.record()
        self._pending.append(_Pending(step, lr, figures, ready, rates))
        self.drain(_LAG)

    def _memory(self) -> dict[str, float]:
        return {
            "gpu_allocated": float(torch.cuda.memory_allocated(self._device)),
            "gpu_reserved": float(torch.cuda.memory_reserved(self._device)),
        }

    def drain(self, lag: int = 0) -> None:
        """Log what has arrived, waiting until at most `lag` steps are outstanding.

        Raises DivergedError at the first step that was not finite.
        """
        while self._pending:
            first = self._pending[0]
            if first.ready is not None and not first.ready.query():
                if len(self._pending) <= lag:
                    return
                first.ready.synchronize()
            self._pending.popleft()
            self._log(first)

    def _log(self, pending: _Pending) -> None:
        loss, top1, grad_norm = pending.figures.tolist()
        values = {
            "loss": loss,
            "lr": pending.lr,
            "contrastive_top1": top1,
            "grad_norm": grad_norm,
            **pending.rates,
        }
        self._report.line(pending.step, values)
        self._guard.check(pending.step, loss, grad_norm, pending.lr, list(self._losses))
        self._losses.append(loss)
        shown = {name: values[name] for name in ("loss", "contrastive_top1", "images_per_s")}
        shown["steps_per_s"] = values["images_per_s"] / self._batch_size
        if "gpu_allocated" in values:
            shown["gpu_allocated"] = torch.cuda.max_memory_allocated(self._device)
        self._report.progress(pending.step, shown)
