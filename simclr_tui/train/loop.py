"""SimCLR's training step, whole: batch → two views → encoder → head → loss → backward → update → figures → if due."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simclr_tui.train.data.epoch_order import Order
from simclr_tui.train.data.prefetch import Feed
from simclr_tui.train.distributed import World
from simclr_tui.train.epoch import end_epoch, evaluate_if_due, save, settle, tell_damaged
from simclr_tui.train.loss import Everyone
from simclr_tui.train.observe.step_metrics import Telemetry
from simclr_tui.train.optim.grad_cache import cached_gradient, even_chunks
from simclr_tui.train.optim.nonfinite_guard import Guard
from simclr_tui.train.optim.schedule import learning_rate, view_side
from simclr_tui.train.rng import Stream, bits64
from simclr_tui.train.train_state import Training
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_views


def train(run: Training) -> bool:
    """Train to the last step. True when it got there, False when it was stopped; a checkpoint is saved either way.

    Raises DivergedError with the weights as they were before the step that was not finite, and OSError when three
    checkpoints in a row could not be written.
    """
    run.encoder.train()
    run.head.train()
    whole = evaluate_if_due(run)
    if whole:
        order = Order(run.recipe, len(run.source), run.world)
        with Feed(run.source, run.compute.device, order, run.step, run.steps) as feed:
            whole = _take_steps(run, feed)
    settle(run, wait=True)
    while run.step > 0 and run.saved != run.step:
        save(run)
        settle(run, wait=True)
    return whole


def _take_steps(run: Training, feed: Feed) -> bool:
    """Take the steps that are left. False when stopped on the way."""
    recipe, compute, world = run.recipe, run.compute, run.world
    device = compute.device
    guard = Guard([("encoder", run.encoder), ("head", run.head)], device, run.scale)
    run.optimizer.found_inf = guard.found_inf  # type: ignore[attr-defined]
    telemetry = Telemetry(run.report, guard, device, recipe.batch_size)
    warmup_steps = round(recipe.warmup * run.steps_per_epoch)

    while run.step < run.steps:
        if world.agree(run.stop.requested):
            telemetry.drain()
            return False

        asked = time.perf_counter()
        samples, images = feed.take()
        waited = time.perf_counter() - asked
        tell_damaged(run.report, run.source.damaged())
        settle(run)

        figures = _gradient(run, images, samples, run.step // run.steps_per_epoch)
        if run.scale is not None:
            run.scale.unscale(guard.grads())
        world.average([figures, *guard.grads()])
        grad_norm = guard.look(figures[0])
        if recipe.clip:
            guard.clip(grad_norm, recipe.clip)

        lr = learning_rate(run.step, run.steps, warmup_steps, recipe.peak_lr)
        for group in run.optimizer.param_groups:
            group["lr"] = lr
        run.optimizer.step()
        run.optimizer.zero_grad()
        run.step += 1
        scale = [] if run.scale is None else [run.scale.scale[None]]
        telemetry.step(run.step, lr, torch.cat([figures, grad_norm[None], *scale]), waited)

        if run.step % run.steps_per_epoch == 0:
            telemetry.drain()
            if not end_epoch(run, telemetry):
                return False
            telemetry.resume_clock()
    telemetry.drain()
    return True


def _gradient(run: Training, images: Tensor, samples: NDArray[np.int64], epoch: int) -> Tensor:
    """Leave the loss's gradient in the parameters. Returns loss and the objective's FIGURES (5,), float32, detached.

    Images are taken `chunk` at a time, see `micro_batch`; commonly that is all of them.
    """
    side = view_side(run.step, run.steps, run.recipe.grow_from, run.recipe.image_size)
    recipe = msgspec.structs.replace(run.recipe, image_size=side)
    chunks = even_chunks(len(images), run.chunk)
    starts = np.cumsum([0, *chunks])
    figures: list[Tensor] = []

    def project(chunk: int) -> Tensor:
        """z of both views in one batch, so that batch norm sees both (§2.1)."""
        part = slice(starts[chunk], starts[chunk + 1])
        params = draw_views(recipe, epoch, samples[part], run.source.side)
        views = two_views(images[part], params, side, torch.channels_last)
        if run.stochastic:
            torch.manual_seed(_dropout_seed(run, chunk))
        return run.project(views)

    def loss(z_a: Tensor, z_b: Tensor) -> Tensor:
        value, seen = run.objective(z_a, z_b, everyone(run.world, z_a, z_b))
        figures[:] = [value.detach()[None].float(), seen.float()]
        return value if run.scale is None else value * run.scale.scale

    if len(chunks) == 1:
        loss(*project(0).chunk(2)).backward()
    else:
        cached_gradient(project, chunks, [run.encoder, run.head], loss)
    return torch.cat(figures)


def everyone(world: World, z_a: Tensor, z_b: Tensor) -> Everyone | None:
    if world.size == 1:
        return None
    gathered = world.gather(torch.stack((z_a, z_b)))
    return Everyone(gathered[:, 0].flatten(0, 1), gathered[:, 1].flatten(0, 1), first=world.rank * len(z_a))


def _dropout_seed(run: Training, chunk: int) -> int:
    """What an encoder drops depends on step, process and chunk alone: the same in both passes, and when resumed."""
    word = bits64(run.recipe.seed, Stream.DROPOUT, run.world.rank, np.array([run.step]), 0, chunk + 1)[0, chunk]
    return int(word >> np.uint64(1))
