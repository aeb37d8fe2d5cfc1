"""The captured step on a CPU, where nothing is captured: a replay calls the step again, over the same static buffers.

So its bookkeeping is tested, and that all it reads or writes keeps its address; never that a GPU records it.
"""

from __future__ import annotations

import contextlib

import msgspec
import pytest
import torch

from simclr_tui.store.run import Run
from simclr_tui.store.state import write_state
from simclr_tui.train import loop
from simclr_tui.train.attempt import prepare
from simclr_tui.train.captured_step import CapturedStep, as_asked, why_not
from simclr_tui.train.device import Compute
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.optim.loss_scale import LossScale
from simclr_tui.train.replay_check import state_tensors
from simclr_tui.train.stop_flag import StopFlag
from tests.training import metric_table, tensors, tiny_run

STEPS = 24
QUICK = {"epochs": 4, "subset": 96, "knn_every": 0, "checkpoint_every": 2, "width": 0.0625, "image_size": 16}


class CallAgain:
    """Records a call by keeping it."""

    on_stream = staticmethod(contextlib.nullcontext)

    def __init__(self) -> None:
        self.recorded = self.replayed = self.released = 0

    def release_unused(self):
        self.released += 1

    def record(self, call):
        self.recorded += 1

        def replay():
            self.replayed += 1
            return call()

        return replay


def parts_of(run, **given):
    parts = prepare(Run(run.path).recipe, run.paths, Reporter(run.paths), stop=given.get("stop") or StopFlag())
    if given.get("scaled"):
        parts.scale = LossScale(parts.compute.device)
    return parts


@pytest.fixture
def captures(monkeypatch):
    """Have every step captured by a recorder; what was said of failures is listed in `said`."""

    def install(recorder):
        made, said = [], []

        def capture(step, run, guard):
            made.append(
                (
                    CapturedStep(step, run, guard, device=torch.device("cpu"), failed=said.append, recorder=recorder),
                    run,
                    guard,
                )
            )
            return made[-1][0]

        monkeypatch.setattr(loop, "as_asked", capture)
        return made, said

    return install


def trained(folder, *, scaled=False, **flags):
    run = tiny_run(folder, **(QUICK | flags))
    assert loop.train(parts_of(run, scaled=scaled))
    return run


def assert_close(one: Run, other: Run) -> None:
    """Rounding apart, which training magnifies: the first replays agree closely, the last ones still do."""
    left, right = metric_table(one), metric_table(other)
    for name in ("loss", "grad_norm"):
        for (step, value), (_, expected) in zip(left[name], right[name], strict=True):
            assert value == pytest.approx(expected, rel=1e-4 if step <= 8 else 0.05), (name, step)
    mine, theirs = tensors(one), tensors(other)
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        if isinstance(value, torch.Tensor) and name.startswith((".encoder", ".head")):
            reference = torch.as_tensor(theirs[name]).double()
            assert (value.double() - reference).norm() <= 0.05 * reference.norm() + 1e-3, name


@pytest.mark.parametrize(
    ("flags", "recorded"),
    [
        ({"optimizer": "lars", "lr": 0.3, "clip": 1.0}, 1),
        ({"optimizer": "adamw", "lr": 1e-4, "lr_scaling": "none", "micro_batch": "6"}, 1),
        ({"grow_from": 8, "scaled": True}, 3),
    ],
    ids=["lars, clipped", "adamw, micro-batches", "sgd, growing views, loss scale"],
)
def test_replayed_steps_are_the_usual_ones_to_rounding(tmp_path, captures, flags, recorded):
    usual = trained(tmp_path / "usual", **flags)
    recorder = CallAgain()
    _, said = captures(recorder)
    replayed = trained(tmp_path / "replayed", **flags)
    assert not said
    assert recorder.recorded == recorded  # a graph for each side
    assert recorder.replayed == STEPS - 4 * recorded  # all but the warm-up of each
    assert_close(usual, replayed)


def test_what_a_step_reads_and_writes_keeps_its_address_over_twenty_steps_and_a_resume(tmp_path, captures):
    made, said = captures(CallAgain())
    addresses = []

    class Looks(StopFlag):
        """Looks at the addresses between steps, and asks to stop once, after the eleventh."""

        def __init__(self) -> None:
            pass

        @property
        def requested(self) -> bool:
            step, run, guard = made[-1]
            if step.buffers[1:]:
                addresses.append([tensor.data_ptr() for tensor in (*state_tensors(run, guard), *step.buffers)])
            return len(addresses) == 11

    run = tiny_run(tmp_path, **QUICK)
    assert not loop.train(parts_of(run, stop=Looks()))
    state = run.status
    run.paths.attempt(state.attempt + 1).root.mkdir()
    write_state(run.paths, msgspec.structs.replace(state, state="starting", attempt=state.attempt + 1))
    before, addresses = addresses, []
    resumed = parts_of(run, stop=Looks())
    assert resumed.step == 11
    assert not loop.train(resumed)
    assert len(before) == 11
    assert all(found == before[0] for found in before)
    assert len(addresses) == 11
    assert all(found == addresses[0] for found in addresses)
    assert not said


class Fails(CallAgain):
    def record(self, call):
        raise RuntimeError("CUDA error:\noperation not permitted when stream is capturing")


class KeepsTheInputs(CallAgain):
    """A graph that reads the memory of an earlier batch: as if the host had not filled the buffers."""

    def record(self, call):
        buffers = call.__self__.buffers
        old = [buffer.clone() for buffer in buffers]

        def replay():
            new = [buffer.clone() for buffer in buffers]
            for buffer, value in zip(buffers, old, strict=True):
                buffer.copy_(value)
            figures = call()
            for buffer, value in zip(buffers, new, strict=True):
                buffer.copy_(value)
            return figures

        return replay


class MissesTheUpdate(CallAgain):
    def record(self, call):
        run, guard = call.__self__._run, call.__self__._guard

        def replay():
            weights = [tensor.clone() for tensor in state_tensors(run, guard)]
            figures = call()
            with torch.no_grad():
                for tensor, old in zip(state_tensors(run, guard), weights, strict=True):
                    tensor.copy_(old)
            return figures

        return replay


@pytest.mark.parametrize(
    ("recorder", "sentence"),
    [
        (Fails(), "RuntimeError: CUDA error: operation not permitted when stream is capturing"),
        (KeepsTheInputs(), "the replayed step"),
        (MissesTheUpdate(), "the replayed step ends"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, CallAgain) else "",
)
def test_what_goes_wrong_in_capturing_is_said_once_and_training_is_as_usual(tmp_path, captures, recorder, sentence):
    usual = trained(tmp_path / "usual", epochs=2)
    _, said = captures(recorder)
    assert_close(usual, trained(tmp_path / "captured", epochs=2))
    assert len(said) == 1
    assert sentence in said[0]


def test_on_a_cpu_a_run_that_asks_for_it_trains_without_and_says_so(tmp_path, capsys):
    run = tiny_run(tmp_path, **QUICK, capture=True)
    parts = parts_of(run)
    step = object()
    assert as_asked(step, parts, None) is step
    assert "not captured, training goes on without: it does not run on an NVIDIA GPU" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [({"stochastic": True}, "drops at random"), ({}, "")],
    ids=["dropout", "nothing against it"],
)
def test_what_cannot_be_captured_is_told_by_its_reason(tmp_path, changed, sentence):
    parts = parts_of(tiny_run(tmp_path, **QUICK))
    parts.compute = Compute(torch.device("cuda"), None)
    for name, value in changed.items():
        setattr(parts, name, value)
    assert sentence in why_not(parts)
    assert bool(why_not(parts)) == bool(sentence)
