"""Log each step's metrics, read back from the device a few steps late so that no step waits for them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.train.loss import LOSS_METRICS
from simclr_tui.train.observe.health import stuck_at_chance
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.observe.speed import Speed
from simclr_tui.train.optim.nonfinite_guard import NonfiniteGuard

_MEMORY_EVERY = 1.0  # seconds: asking the allocator three times a step would cost the host 0.3 ms
_LAG = 8  # steps the device may be ahead of the log
_LOGGED = ("loss", *LOSS_METRICS, "grad_norm", "loss_scale")
_SHOWN = tuple(metric.name for metric in METRICS.values() if metric.every_step)
_TOLD = 20  # steps at least before a loss counts as stuck


@dataclass(frozen=True)
class _Pending:
    step: int
    lr: float
    metrics: Tensor  # as _LOGGED; the last one only with a loss scale
    ready: torch.cuda.Event | None
    rates: dict[str, float]


class Telemetry:
    """Write one line of metrics a step."""

    def __init__(
        self, report: Reporter, guard: NonfiniteGuard, device: torch.device, *, batch_size: int, candidates: int
    ) -> None:
        self._report = report
        self._guard = guard
        self._device = device
        self._batch_size = batch_size
        self._candidates = candidates
        self._pending: deque[_Pending] = deque()
        self._losses: deque[float] = deque(maxlen=5)
        self._speed = Speed()
        self._epoch: list[tuple[float, float]] = []  # loss and separation of each step since `end_epoch`
        self._last = time.perf_counter()
        self._memory_at = -_MEMORY_EVERY

    def end_epoch(self) -> bool:
        """Start a new epoch; return whether NT-Xent stayed at chance in every step of the one that ends."""
        steps, self._epoch = self._epoch, []
        if len(steps) < _TOLD:
            return False
        losses, separations = zip(*steps, strict=True)
        return stuck_at_chance(losses, separations, self._candidates)

    def resume_clock(self) -> None:
        """Leave out the time since the last step (an evaluation, a checkpoint) from the training speed."""
        self._last = time.perf_counter()

    def step(self, step: int, lr: float, metrics: Tensor, *, waited: float, prepares: bool = False) -> None:
        """Add a step whose kernels may still be running; `waited` is the time in s its images took to come.

        One that `prepares`, the first at a side of the views, does not count for the speed.

        `metrics` is float32 on the device: loss, the objective's LOSS_METRICS, gradient norm and, if any, loss scale.
        """
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        speed = self._batch_size * self._speed.steps_per_s(seconds, prepares=prepares)
        rates = {"images_per_s": speed, "data_wait": min(1.0, waited / seconds)}
        ready = None
        if self._device.type == "cuda":
            rates |= self._memory(now)
            on_host = torch.empty(metrics.shape, pin_memory=True)
            on_host.copy_(metrics, non_blocking=True)
            metrics, ready = on_host, torch.cuda.Event()
            ready.record()
        elif self._device.type == "mps":
            rates |= self._memory(now)
        self._pending.append(_Pending(step, lr, metrics, ready, rates))
        self.drain(_LAG)

    def _memory(self, now: float) -> dict[str, float]:
        """Return the bytes that torch's allocator holds, about once a second; nothing in between."""
        if now - self._memory_at < _MEMORY_EVERY:
            return {}
        self._memory_at = now
        if self._device.type == "mps":
            return {
                "gpu_allocated": float(torch.mps.current_allocated_memory()),
                "gpu_reserved": float(torch.mps.driver_allocated_memory()),
            }
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
        metrics = dict(zip(_LOGGED, pending.metrics.tolist(), strict=False))
        values = {**metrics, "lr": pending.lr, **pending.rates}
        self._report.write_metrics(pending.step, values)
        loss = metrics["loss"]
        self._guard.check(pending.step, loss, metrics["grad_norm"], lr=pending.lr, last=list(self._losses))
        self._losses.append(loss)
        self._epoch.append((loss, metrics["positive_similarity"] - metrics["negative_similarity"]))
        shown = {name: values[name] for name in _SHOWN}
        shown["steps_per_s"] = values["images_per_s"] / self._batch_size
        if "gpu_allocated" in values:
            on_cuda = self._device.type == "cuda"
            peak = torch.cuda.max_memory_allocated(self._device) if on_cuda else values["gpu_allocated"]
            shown["gpu_allocated"] = peak
        self._report.progress(pending.step, shown)
