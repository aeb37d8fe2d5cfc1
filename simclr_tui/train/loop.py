"""SimCLR's training step, whole: batch → two views → encoder → head → loss → backward → update → metrics → if due."""

from __future__ import annotations

import time
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from simclr_tui.recipe.schedule import learning_rate, view_side
from simclr_tui.train.captured_step import as_asked
from simclr_tui.train.data.epoch_order import Order
from simclr_tui.train.data.prefetch import Feed
from simclr_tui.train.distributed import ProcessGroup
from simclr_tui.train.epoch import end_epoch, evaluate_if_due, report_damaged, report_save, save
from simclr_tui.train.loss import GlobalProjections
from simclr_tui.train.observe.step_metrics import Telemetry
from simclr_tui.train.optim.grad_cache import cached_gradient, even_chunks
from simclr_tui.train.optim.nonfinite_guard import NonfiniteGuard
from simclr_tui.train.rng import Stream, bits64
from simclr_tui.train.step_inputs import StepInputs, draw_inputs
from simclr_tui.train.train_state import Training
from simclr_tui.train.views.apply import make_views


def train(run: Training) -> bool:
    """Train to the last step and return True, or False where a stop was requested; a checkpoint is saved either way.

    Raises DivergedError with the weights as they were before the step that was not finite, and OSError when three
    checkpoints in a row could not be written.
    """
    run.encoder.train()
    run.head.train()
    not_stopped = evaluate_if_due(run)
    if not_stopped and run.is_best:  # the evaluation before was cut off, and is made up for
        save(run)
    if not_stopped:
        order = Order(run.recipe, len(run.source), run.group)
        with Feed(run.source, run.compute.device, order, first=run.step, last=run.steps) as feed:
            not_stopped = _take_steps(run, feed)
    report_save(run, wait=True)
    while run.step > 0 and run.saved != run.step:
        save(run)
        report_save(run, wait=True)
    return not_stopped


def _take_steps(run: Training, feed: Feed) -> bool:
    """Take the steps that are left. Returns False where a stop was requested on the way."""
    recipe, compute, group = run.recipe, run.compute, run.group
    device = compute.device
    guard = NonfiniteGuard([("encoder", run.encoder), ("head", run.head)], device, run.scale)
    run.optimizer.found_inf = guard.found_inf  # type: ignore[attr-defined]
    telemetry = Telemetry(run.report, guard, device, batch_size=recipe.batch_size, candidates=recipe.candidates)
    warmup_steps = round(recipe.warmup * run.steps_per_epoch)
    step = as_asked(lambda inputs, lr: take_step(run, guard, inputs, lr=lr), run, guard)

    side = 0
    while run.step < run.steps:
        if group.any_rank(run.stop.requested):
            telemetry.drain()
            return False

        asked = time.perf_counter()
        samples, images = feed.take()
        waited = time.perf_counter() - asked
        report_damaged(run.report, run.source.damaged())
        report_save(run)

        before, side = side, view_side(run.step, run.steps, recipe.grow_from, recipe.grown_side)
        epoch = run.step // run.steps_per_epoch
        inputs = draw_inputs(recipe, images, samples, epoch=epoch, side=side, source=run.source)
        lr = learning_rate(run.step, run.steps, warmup_steps, recipe.peak_lr)
        figures = step(inputs, lr)
        run.step += 1
        telemetry.step(run.step, lr, figures, waited=waited, prepares=side != before)

        if run.step % run.steps_per_epoch == 0:
            telemetry.drain()
            if not end_epoch(run, telemetry):
                return False
            telemetry.resume_clock()
    telemetry.drain()
    return True


def take_step(run: Training, guard: NonfiniteGuard, inputs: StepInputs, *, lr: float | Tensor) -> Tensor:
    """Update the weights by a batch. Returns loss, LOSS_METRICS, gradient norm and, if any, loss scale, float32.

    All of it happens on the device, which the host does not wait for and asks nothing.
    """
    metrics = _compute_gradient(run, inputs)
    if run.scale is not None:
        run.scale.unscale(guard.grads())
    run.group.all_reduce_mean([metrics, *guard.grads()])
    grad_norm = guard.update(metrics[0])
    if run.recipe.clip:
        guard.clip(grad_norm, run.recipe.clip)

    for parameters in run.optimizer.param_groups:
        parameters["lr"] = lr
    run.optimizer.step()
    run.optimizer.zero_grad()
    scale = [] if run.scale is None else [run.scale.scale[None]]
    return torch.cat([metrics, grad_norm[None], *scale])


def _compute_gradient(run: Training, inputs: StepInputs) -> Tensor:
    """Put the loss's gradient into the parameters. Returns loss and LOSS_METRICS (5,), float32, detached.

    Images are taken `chunk` at a time, see `micro_batch`; commonly that is all of them.
    """
    chunks = even_chunks(len(inputs.images), run.chunk)
    starts = list(accumulate(chunks, initial=0))
    metrics: list[Tensor] = []

    def project(chunk: int) -> Tensor:
        """Return z of both views, passed as one batch so that batch norm sees both (§2.1)."""
        first, last = starts[chunk], starts[chunk + 1]
        images, params = inputs.images[first:last], inputs.params.of_images(first, last)
        views = make_views(images, params, inputs.side, run.recipe.operations, torch.channels_last)
        if run.stochastic:
            torch.manual_seed(_dropout_seed(run, chunk))
        return run.project(views)

    def loss(z_a: Tensor, z_b: Tensor) -> Tensor:
        value, measured = run.objective(z_a, z_b, gather_projections(run.group, z_a, z_b))
        metrics[:] = [value.detach()[None].float(), measured.float()]
        return value if run.scale is None else value * run.scale.scale

    if len(chunks) == 1:
        loss(*project(0).chunk(2)).backward()
    else:
        cached_gradient(project, chunks, [run.encoder, run.head], loss=loss, compiled=run.recipe.compile)
    return torch.cat(metrics)


def gather_projections(group: ProcessGroup, z_a: Tensor, z_b: Tensor) -> GlobalProjections | None:
    if group.size == 1:
        return None
    gathered = group.all_gather(torch.stack((z_a, z_b)))
    return GlobalProjections(gathered[:, 0].flatten(0, 1), gathered[:, 1].flatten(0, 1), first=group.rank * len(z_a))


def _dropout_seed(run: Training, chunk: int) -> int:
    """Return a seed for dropout, of step, rank and chunk alone: the same in both passes, and when resumed."""
    bits = bits64(run.recipe.seed, Stream.DROPOUT, run.group.rank, np.array([run.step]), 0, chunk + 1)[0, chunk]
    return int(bits >> np.uint64(1))
