"""Measure how fast a recipe trains here, alone and against a peer program.

It reports images/s by precision, memory format and compilation, the fraction of the hardware's matrix throughput, and
the time of each part of a step.

All variants are measured in turns, so that other load on the machine affects each alike.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from simclr_tui.bench.managed import managed_images_per_s
from simclr_tui.errors import SimclrError
from simclr_tui.recipe.cost import cost
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.schedule import view_side
from simclr_tui.store.bench_report import Figure
from simclr_tui.train.captured_step import WARM_UP, CapturedStep, Step
from simclr_tui.train.cuda_graph import GraphRecorder
from simclr_tui.train.data.batches import Source
from simclr_tui.train.device import Compute, choose_compute, has_bf16
from simclr_tui.train.loss import Objective
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head
from simclr_tui.train.model.projection import projection
from simclr_tui.train.optim.loss_scale import LossScale
from simclr_tui.train.optim.nonfinite_guard import NonfiniteGuard
from simclr_tui.train.optim.optimizer import build_optimizer
from simclr_tui.train.step_inputs import StepInputs, draw_inputs
from simclr_tui.train.views.apply import make_views

_WARM_UP = 3  # uncounted steps before each measurement, to compile, choose kernels and fill caches
_CAPTURED = WARM_UP + 2  # and to record a step and compare its first replay
_GEMM = {"cpu": 2048, "cuda": 8192, "mps": 4096}  # side of the matrices that measure matrix throughput
_FIRST_GEMM, _MOMENT = 256, 0.5  # the first side that is tried; seconds, which a product eight times as long may take
_EPOCH = 50_000  # images, as in CIFAR-10
_PASSES = 12  # operations per trained image and multiply-add of a view: two views, three passes, two each
Mark = Callable[[str], None]


@dataclass(frozen=True)
class Variant:
    """Name one way to run the same step."""

    precision: str
    channels_last: bool = True
    compiled: bool = False
    captured: bool = False

    @property
    def name(self) -> str:
        said = {"contiguous": not self.channels_last, "compiled": self.compiled, "captured": self.captured}
        return ", ".join([self.precision, *(word for word, true in said.items() if true)])


class Bench:
    """Take a recipe's training step on generated images, without its files.

    Raises SimclrError for a captured variant that cannot be captured.
    """

    def __init__(self, recipe: Recipe, compute: Compute, variant: Variant) -> None:
        self._recipe, self._device = recipe, compute.device
        self._format = torch.channels_last if variant.channels_last else torch.contiguous_format
        torch.manual_seed(recipe.seed)
        encoder = build_encoder(recipe)
        self.head = build_head(recipe, encoder.dim).to(self._device)
        self.encoder = encoder.to(device=self._device, memory_format=self._format)  # type: ignore[call-overload]
        self.scale = LossScale(self._device) if variant.precision == "fp16" else None
        self.optimizer = build_optimizer(recipe, [self.encoder, self.head])
        self._guard = NonfiniteGuard([("encoder", self.encoder), ("head", self.head)], self._device, self.scale)
        self.optimizer.found_inf = self._guard.found_inf  # type: ignore[attr-defined]
        lowered = compute.with_precision(variant.precision)
        self._project = projection(self.encoder, self.head, lowered, compiled=variant.compiled)
        self._objective = Objective.of(recipe)
        side = recipe.image_size
        pixels = np.random.default_rng(0).integers(0, 256, (2 * recipe.batch_size, 3, side, side), np.uint8)
        self._source = Source(pixels, self._device)
        self._taken = 0
        self._loss = torch.zeros(())
        self._on_device: Step = self._update
        self._warm_up = _WARM_UP
        if variant.captured:
            recorder = GraphRecorder(self._device, self.optimizer)
            self._on_device = CapturedStep(
                self._update, self, self._guard, device=self._device, failed=_not_captured, recorder=recorder
            )
            self._warm_up = _CAPTURED

    def images_per_s(self, steps: int) -> float:
        """Return images/s over `steps` steps, after a warm-up at each side that their views have."""
        seconds = 0.0
        for side, count in sorted(Counter(_sides(self._recipe, steps)).items()):
            for _ in range(self._warm_up):
                self._step(side)
            self._wait()
            began = time.perf_counter()
            for _ in range(count):
                self._step(side)
            self._wait()
            seconds += time.perf_counter() - began
        return steps * self._recipe.batch_size / seconds

    def take_steps(self, steps: int) -> None:
        """Take `steps` steps without waiting for the device."""
        for side in _sides(self._recipe, steps):
            self._step(side)

    def losses(self, steps: int) -> list[float]:
        """Return the loss of each of `steps` steps."""
        found = []
        for side in _sides(self._recipe, steps):
            self._step(side)
            found.append(float(self._loss))
        return found

    def split(self, steps: int) -> dict[str, float]:
        """Return the seconds that each part of a step, not captured, takes, waiting for the device after each."""
        taken: dict[str, float] = defaultdict(float)
        self._wait()
        last = time.perf_counter()

        def mark(part: str) -> None:
            nonlocal last
            self._wait()
            now = time.perf_counter()
            taken[part] += (now - last) / steps
            last = now

        for side in _sides(self._recipe, steps):
            self._update(self._inputs(side, mark), self._recipe.peak_lr, mark)
        return dict(taken)

    def _step(self, side: int) -> None:
        self._loss = self._on_device(self._inputs(side), self._recipe.peak_lr)[0]

    def _inputs(self, side: int, mark: Mark = lambda _: None) -> StepInputs:
        self._taken += 1
        samples = np.random.default_rng(self._taken).permutation(len(self._source))[: self._recipe.batch_size]
        images = self._source.batch(samples)
        mark("images")
        inputs = draw_inputs(self._recipe, images, samples, epoch=self._taken, side=side, source=self._source)
        mark("drawing")
        return inputs

    def _update(self, inputs: StepInputs, lr: float | Tensor, mark: Mark = lambda _: None) -> Tensor:
        """Update the weights by a batch, as `loop.take_step` does, and return the loss (1,)."""
        views = make_views(inputs.images, inputs.params, inputs.side, self._recipe.operations, self._format)
        mark("views")
        z = self._project(views)
        mark("forward")
        z_a, z_b = z.chunk(2)
        loss, _ = self._objective(z_a, z_b)
        mark("loss")
        (loss if self.scale is None else loss * self.scale.scale).backward()
        mark("backward")
        if self.scale is not None:
            self.scale.unscale(self._guard.grads())
        self._guard.update(loss.detach())
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = lr
        self.optimizer.step()
        self.optimizer.zero_grad()
        mark("update")
        return loss.detach()[None]

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _not_captured(reason: str) -> None:
    raise SimclrError(f"the step could not be captured: {reason}", "please report this; --no-capture leaves it out")


def train_figures(
    recipe: Recipe, *, steps: int, repeat: int, peer: str = "", managed: Path | None = None
) -> list[Figure]:
    """Measure a recipe; also `peer`, and with an empty folder `managed` the same steps under `simclr run`.

    `peer` is a command that prints {"images_per_s": …} as its last line. Raises SimclrError where it does not, or where
    the run does not finish.
    """
    compute = choose_compute(recipe, scales_loss=True)
    benches = {variant: Bench(recipe, compute, variant) for variant in _variants(compute, recipe)}
    own = as_in_a_run(compute, recipe)
    alone = benches[dataclasses.replace(own, captured=False)]  # as the managed run, which would count its capturing
    speeds: dict[Variant, list[float]] = {variant: [] for variant in benches}
    peers: list[float] = []
    peaks: list[float] = []
    runs: list[float] = []
    costs: list[float] = []
    for turn in range(repeat):
        if peer:  # first, so that a broken command fails early
            peers.append(_peer_images_per_s(peer))
        for variant, bench in benches.items():
            speeds[variant].append(bench.images_per_s(steps))
        peaks.append(_multiplications(compute))
        if managed is not None:
            # The bare loop before and after, since the machine's other load changes within a minute.
            before = alone.images_per_s(steps)
            uncaptured = msgspec.structs.replace(recipe, capture=False)
            runs.append(managed_images_per_s(managed / str(turn), uncaptured, steps))
            bare = (before + alone.images_per_s(steps)) / 2
            costs.append(100 * (1 - runs[-1] / bare))
    figures = [Figure(variant.name, "images/s", values) for variant, values in speeds.items()]
    if runs:
        figures.append(Figure("simclr run, dashboard open", "images/s", runs))
        figures.append(Figure("cost of being managed", "%", costs, 1))
    work = _PASSES * _macs(recipe, steps) if recipe.native_encoder else 0.0
    return figures + _derived(
        recipe, compute, speeds[own], peaks=peaks, peers=peers, split=alone.split(steps), work=work
    )


def _sides(recipe: Recipe, steps: int) -> list[int]:
    """Return the view sides of `steps` steps, spread as over a whole training where views grow."""
    return [view_side(step, steps, recipe.grow_from, recipe.grown_side) for step in range(steps)]


def _macs(recipe: Recipe, steps: int) -> float:
    """Return the mean multiply-adds of a view over `steps` steps."""
    sides = _sides(recipe, steps)
    return sum(cost(msgspec.structs.replace(recipe, image_size=side)).macs for side in sides) / steps


def as_in_a_run(compute: Compute, recipe: Recipe) -> Variant:
    """Return the variant that a run of the recipe trains with; on an NVIDIA GPU all but the shortest are captured.

    An encoder of a library is left as it is: one that drops at random cannot be captured.
    """
    captured = compute.device.type == "cuda" and recipe.native_encoder
    return Variant(compute.precision, compiled=recipe.compile, captured=captured)


def _variants(compute: Compute, recipe: Recipe) -> Iterator[Variant]:
    """Yield the variants, each once: precisions of the hardware and of the recipe, layouts, compiled, captured."""
    bf16 = ["bf16"] if has_bf16(compute.device) else []
    yield from (Variant(precision) for precision in dict.fromkeys(("fp32", *bf16, compute.precision)))
    yield Variant(compute.precision, channels_last=False)
    own = as_in_a_run(compute, recipe)
    if own.compiled:
        yield dataclasses.replace(own, captured=False)
    if own.captured:
        yield own


def _derived(
    recipe: Recipe,
    compute: Compute,
    own: list[float],
    *,
    peaks: list[float],
    peers: list[float],
    split: dict[str, float],
    work: float,
) -> list[Figure]:
    """Return the figures derived from images/s; `work` is the operations per image, 0 where unknown."""
    figures = [Figure(f"matrix product, {compute.precision}", "GFLOP/s", [peak / 1e9 for peak in peaks])]
    if work:
        shares = [100 * speed * work / peak for speed, peak in zip(own, peaks, strict=True)]
        figures.append(Figure("share of that in training", "%", shares))
    if peers:
        figures.append(Figure("the peer", "images/s", peers))
        figures.append(Figure("times the peer", "×", [mine / other for mine, other in zip(own, peers, strict=True)]))
    figures += [Figure(f"a step: {part}", "ms", [1e3 * seconds]) for part, seconds in split.items()]
    hours = [recipe.epochs * _EPOCH / speed / 3600 for speed in own]
    return [*figures, Figure(f"{recipe.epochs} epochs of {_EPOCH:,} images", "h", hours)]


def _multiplications(compute: Compute) -> float:
    """Return operations/s of a square matrix product in the training precision, the best of a few tries.

    The matrices are as large as the device multiplies in a moment: fp16 is emulated on most CPUs.
    """
    most = _GEMM[compute.device.type]
    side = min(_FIRST_GEMM, most)
    while (seconds := _product_seconds(compute, side)) * 8 < _MOMENT and side < most:
        side *= 2
    return float(2 * side**3 / seconds)


def _product_seconds(compute: Compute, side: int) -> float:
    a = torch.rand(side, side, device=compute.device, dtype=compute.autocast or torch.float32)
    taken: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        a @ a
        if compute.device.type == "cuda":
            torch.cuda.synchronize(compute.device)
        taken.append(time.perf_counter() - began)
    return min(taken)


def _peer_images_per_s(command: str) -> float:
    done = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, text=True, check=False)
    try:
        return float(json.loads(done.stdout.strip().splitlines()[-1])["images_per_s"])
    except (IndexError, KeyError, TypeError, ValueError):
        raise SimclrError(
            f"the peer ended with code {done.returncode} and no images_per_s",
            'its last line must be JSON: {"images_per_s": 123.4}',
        ) from None
