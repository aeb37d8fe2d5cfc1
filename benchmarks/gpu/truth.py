"""Compare the GPU's numbers with the CPU's: views, first losses and gradient norms, compiled and eager steps, and
batches that stream to the device with those that stay on it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.gpu.steps import DEVICE, ON_GPU, Verdict, say, training
from simclr_tui.store.run import Run
from simclr_tui.train import loop
from simclr_tui.train.data.batches import Source
from simclr_tui.train.data.epoch_order import Order
from simclr_tui.train.data.prefetch import Feed
from simclr_tui.train.distributed import SINGLE_PROCESS
from simclr_tui.train.train_state import Training
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_views

FLAGS: dict[str, Any] = {"width": 0.25 if ON_GPU else 0.0625, "bs": 64, "subset": 640, "precision": "fp32"}
LOSS_TOLERANCE = 0.02
BATCHES = 200 if ON_GPU else 10


def curves(**flags: Any) -> tuple[dict[str, NDArray[np.float64]], Training]:
    parts, run = training(**(FLAGS | flags))
    loop.train(parts)
    history = Run(run.path).history()
    return {name: np.array(history.points(name)[1]) for name in ("loss", "grad_norm", "contrastive_top1")}, parts


def steps_equal_the_cpus(verdict: Verdict) -> Training:
    here, parts = curves(device=DEVICE)
    reference, _ = curves(device="cpu")
    for name, values in reference.items():
        apart = np.abs(values - here[name])
        say(f"fp32 {name}: differs from the CPU's by at most {apart.max():.2g}, at first by {apart[0]:.2g}")
    if np.abs(reference["loss"] - here["loss"])[:3].max() > LOSS_TOLERANCE:
        verdict.fail("loss")
    return parts


def equals_eager(verdict: Verdict, name: str, **flags: Any) -> None:
    """A graph that is replayed over memory that is still read, or that misses an update, shows here."""
    found = []
    for extra in ({}, flags):
        losses, parts = curves(grow_from=24, precision="auto", epochs=4, **extra)
        buffers = torch.cat([buffer.flatten().float() for buffer in parts.encoder.buffers()]).cpu()
        found.append((losses["loss"], buffers))
    (eager, statistics), (other_losses, other_statistics) = found
    apart = np.abs(eager - other_losses)
    say(
        f"{name} against eager, bf16, sides 24 to 32: loss differs by at most {apart.max():.2g},"
        f" running statistics by {float((statistics - other_statistics).abs().max()):.2g}"
    )
    if apart[:10].max() > LOSS_TOLERANCE:
        verdict.fail(name)


def views_equal_the_cpus(parts: Training) -> None:
    assert parts.source.resident is not None
    images = parts.source.resident[:64].cpu()
    params = draw_views(parts.recipe, 0, np.arange(64), images.shape[-1])
    reference = two_views(images, params, 32)
    here = two_views(images.to(parts.compute.device), params, 32).cpu()
    say(f"views: largest difference from the CPU's {float((reference - here).abs().max()) * 255:.3f} of 255")


def streamed_equal_resident(parts: Training, verdict: Verdict) -> None:
    """Compare while the device is busy and the pinned buffers are used again."""
    device, resident = parts.compute.device, parts.source.resident
    assert resident is not None
    order = Order(parts.recipe, len(parts.source), SINGLE_PROCESS)
    streamed = Source(resident.cpu().numpy(), device)
    streamed.resident = None
    busy = torch.randn(6144 if ON_GPU else 64, 6144 if ON_GPU else 64, device=device, dtype=torch.bfloat16)
    wrong = torch.zeros((), device=device, dtype=torch.int64)
    with Feed(streamed, device, order, first=0, last=BATCHES) as feed:
        for _ in range(BATCHES):
            ids, batch = feed.take()
            busy @ busy
            wrong += (batch != resident[torch.from_numpy(ids).to(device)]).any()
            del batch
    say(f"streamed batches that differ from the resident ones: {int(wrong)} of {BATCHES}")
    if int(wrong):
        verdict.fail("streamed")


def main() -> int:
    verdict = Verdict()
    parts = steps_equal_the_cpus(verdict)
    views_equal_the_cpus(parts)
    streamed_equal_resident(parts, verdict)
    if ON_GPU:
        equals_eager(verdict, "compiled and captured", compile=True, capture=True)
        equals_eager(verdict, "captured", capture=True)
        equals_eager(verdict, "compiled", compile=True)
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(main())
