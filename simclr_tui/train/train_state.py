"""One attempt of a run in memory: its parts, and the state that a checkpoint holds of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch.optim import Optimizer

from simclr_tui.paths import RunPaths
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.compile_fallback import Call, compiled_or_plain
from simclr_tui.train.data.batches import Source
from simclr_tui.train.device import Compute
from simclr_tui.train.distributed import SINGLE_PROCESS, ProcessGroup
from simclr_tui.train.loss import Objective
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.head import ProjectionHead
from simclr_tui.train.model.projection import Projection, projection
from simclr_tui.train.observe.monitor import Monitor
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.optim.loss_scale import LossScale
from simclr_tui.train.persist.async_save import Saver
from simclr_tui.train.persist.made_with import KEY, made_with
from simclr_tui.train.stop_flag import StopFlag


@dataclass
class Training:
    """Hold one attempt's parts, after `step` updates; `evaluated` is the step of the newest evaluation.

    `knn` is the accuracy on the validation images that was measured there, where the best checkpoint is kept by it.

    `chunk` is the most images of the local batch that pass the network at once. `schedule_images` is the number of
    images that the schedule was made for, where other data was accepted since (0: those that there are).
    `data` is the fingerprint of the images.
    """

    recipe: Recipe
    paths: RunPaths
    compute: Compute
    source: Source
    encoder: Encoder
    head: ProjectionHead
    optimizer: Optimizer
    monitor: Monitor
    report: Reporter
    stop: StopFlag
    group: ProcessGroup = SINGLE_PROCESS
    chunk: int = 0
    schedule_images: int = 0
    data: str = ""
    scale: LossScale | None = None
    step: int = 0
    evaluated: int = -1
    knn: float | None = None
    failed_saves: int = 0
    saved: int = -1
    saver: Saver = field(init=False)
    objective: Objective = field(init=False)
    stochastic: bool = field(init=False)

    def __post_init__(self) -> None:
        self.saver = Saver(self.report.paths)
        self.objective = Objective.of(self.recipe)
        self.stochastic = self.encoder.stochastic
        self.chunk = self.chunk or self.local_batch

    @cached_property
    def project(self) -> Projection:
        """Return the function from views to z that the steps call; built at first use."""
        return projection(self.encoder, self.head, self.compute, compiled=self.recipe.compile, or_plain=self._or_plain)

    def _or_plain(self, compiled: Call, plain: Call) -> Call:
        """Return the compiled function; on a machine that cannot compile (no C compiler, say), `plain` replaces it."""

        def failed(reason: str) -> None:
            sentence = f"not compiled, training goes on without: {reason}"
            self.report.event("warning", sentence)
            self.report.log(sentence)

        return compiled_or_plain(compiled, plain, failed)

    @property
    def is_best(self) -> bool:
        """Return whether the weights are, by validation kNN, better than those of every checkpoint so far."""
        return self.step > 0 and self.measured is not None and self.saver.is_best(self.measured)

    @property
    def measured(self) -> float | None:
        """Return the validation kNN of the weights as they are now; None where it was not measured."""
        return self.knn if self.evaluated == self.step else None

    @property
    def local_batch(self) -> int:
        """Return how many images of each batch this process takes."""
        return self.recipe.batch_size // self.group.size

    @property
    def steps_per_epoch(self) -> int:
        return self.recipe.steps_per_epoch(len(self.source))

    @property
    def steps(self) -> int:
        return self.recipe.steps_per_epoch(self.schedule_images or len(self.source)) * self.recipe.epochs

    def state_dict(self) -> dict[str, Any]:
        """Return all that the run needs to go on exactly; draws are functions of seed and step, not of a generator."""
        return {
            "encoder": self.encoder.state_dict(),
            "head": self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scale": None if self.scale is None else self.scale.state_dict(),
            "chunk": self.chunk,
            "channels": self.encoder.channels,
            "data": self.data,
            KEY: made_with(self.recipe),
            "step": self.step,
            "evaluated": self.evaluated,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned for a run of the same recipe."""
        self.encoder.load_state_dict(state["encoder"])
        self.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scale is not None and state.get("scale"):
            self.scale.load_state_dict(state["scale"])
        self.chunk = int(state.get("chunk", self.chunk))
        self.step = self.saved = int(state["step"])
        self.evaluated = int(state.get("evaluated", -1))
