"""A training step recorded as one CUDA graph and replayed, so that the host launches it whole.

What is recorded is `loop.take_step` itself, from the images to the update of the weights. It reads static buffers that
the host fills before each replay: the images (not their ids, since batches that stream in have none on the device), the
parameters of their views, and the learning rate. All else that it reads or writes is changed in place, so that its
address stays: weights, statistics, optimiser state. Another side of the views is another graph.

The first replay at each side is compared with the usual step, and whatever goes wrong in recording or differs in
replaying leaves training to the usual step, with a sentence.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from simclr_tui.train.cuda_graph import GraphRecorder, Recorder, Replay
from simclr_tui.train.optim.nonfinite_guard import NonfiniteGuard
from simclr_tui.train.replay_check import Trained, replay_differs
from simclr_tui.train.step_inputs import StepInputs
from simclr_tui.train.train_state import Training

Step = Callable[[StepInputs, float], Tensor]
"""Takes a step at a learning rate. Returns its figures, the loss first, which the next step may overwrite."""

WARM_UP = 4  # usual steps at each side: kernels are chosen, code is compiled and the optimiser's state is made


def as_asked(step: Callable[[StepInputs, float | Tensor], Tensor], run: Training, guard: NonfiniteGuard) -> Step:
    """Return the step as the recipe asks for it: captured, or as it is, with a sentence where it cannot be captured."""

    def failed(reason: str) -> None:
        sentence = f"not captured, training goes on without: {reason}"
        run.report.event("warning", sentence)
        run.report.log(sentence)

    if not run.recipe.capture:
        return step
    if reason := why_not(run):
        failed(reason)
        return step
    device = run.compute.device
    return CapturedStep(step, run, guard, device=device, failed=failed, recorder=GraphRecorder(device, run.optimizer))


def why_not(run: Training) -> str:
    """Return why the run's step cannot be captured; empty where it can."""
    if run.compute.device.type != "cuda":
        return "it does not run on an NVIDIA GPU"
    if run.stochastic:
        return "the encoder drops at random, and a replay would drop the same again"
    return "several processes train" if run.group.size > 1 else ""


class CapturedStep:
    """Take the first steps at each side as usual, then record one, compare a replay, and replay from then on."""

    def __init__(
        self,
        step: Callable[[StepInputs, float | Tensor], Tensor],
        run: Trained,
        guard: NonfiniteGuard,
        *,
        device: torch.device,
        failed: Callable[[str], None],
        recorder: Recorder,
    ) -> None:
        self._step, self._run, self._guard, self._failed, self._recorder = step, run, guard, failed, recorder
        self._lr = torch.zeros((), device=device)
        self._inputs: StepInputs | None = None
        self._replay: Replay | None = None
        self._taken, self._trusted, self._given_up = 0, False, False

    @property
    def buffers(self) -> tuple[Tensor, ...]:
        """Return the tensors that the host fills before each step."""
        return (self._lr, *(self._inputs.tensors if self._inputs else ()))

    def __call__(self, inputs: StepInputs, lr: float) -> Tensor:
        if self._given_up:
            return self._step(inputs, lr)
        self._fill(inputs, lr)
        if self._replay is None:
            figures = self._usual()
            self._taken += 1
            if self._taken == WARM_UP:
                self._capture()
            return figures
        return self._replay() if self._trusted else self._compare(self._replay)

    def _fill(self, inputs: StepInputs, lr: float) -> None:
        """Copy what differs from step to step to where the graph reads it; at another side, forget the graph."""
        self._lr.fill_(lr)
        if self._inputs is None or not self._inputs.alike(inputs):
            self._replay, self._taken, self._trusted = None, 0, False
            self._inputs = inputs.clone()
            return
        for buffer, tensor in zip(self._inputs.tensors, inputs.tensors, strict=True):
            buffer.copy_(tensor)

    def _from_buffers(self) -> Tensor:
        assert self._inputs is not None
        return self._step(self._inputs, self._lr)

    def _usual(self) -> Tensor:
        with self._recorder.on_stream():
            return self._from_buffers()

    def _capture(self) -> None:
        try:
            self._replay = self._recorder.record(self._from_buffers)
        except Exception as error:  # whatever it is, the usual step can do without
            self._run.optimizer.zero_grad()
            self._give_up(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")

    def _compare(self, replay: Replay) -> Tensor:
        """Replay, undo, and take the step as usual, whose result stays."""
        figures, difference = replay_differs(self._run, self._guard, replay=replay, usual=self._usual)
        self._trusted = not difference
        self._recorder.release_unused()  # what usual steps took, which no replay uses
        if difference:
            self._give_up(difference)
        return figures

    def _give_up(self, reason: str) -> None:
        self._given_up, self._replay, self._inputs = True, None, None
        self._failed(reason)
