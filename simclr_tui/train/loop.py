"""SimCLR's training step, whole: batch → two views → encoder → head → loss → backward → update → figures → if due."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch.optim import Optimizer

from simclr_tui.paths import RunPaths
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train import checkpoint
from simclr_tui.train.augment import two_views
from simclr_tui.train.device import Compute
from simclr_tui.train.draws import epoch_order
from simclr_tui.train.encoder import Encoder
from simclr_tui.train.guard import Guard
from simclr_tui.train.head import ProjectionHead
from simclr_tui.train.loss import nt_xent_and_top1
from simclr_tui.train.monitor import KnnMonitor
from simclr_tui.train.report import Reporter
from simclr_tui.train.schedule import learning_rate
from simclr_tui.train.source import Source
from simclr_tui.train.stopping import StopFlag, Stopped
from simclr_tui.train.telemetry import Telemetry
from simclr_tui.train.views import draw_views

_SAVE_TRIES = 3


@dataclass
class Training:
    """One attempt's parts, ready to go on after `step` updates; `evaluated` is the step of the newest kNN."""

    recipe: Recipe
    paths: RunPaths
    compute: Compute
    source: Source
    encoder: Encoder
    head: ProjectionHead
    optimizer: Optimizer
    monitor: KnnMonitor
    report: Reporter
    stop: StopFlag
    step: int = 0
    evaluated: int = -1
    failed_saves: int = 0
    saved: int = -1

    @property
    def steps_per_epoch(self) -> int:
        return self.recipe.steps_per_epoch(len(self.source))

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.recipe.epochs


def train(run: Training) -> bool:
    """Train to the last step. True when it got there, False when it was stopped; a checkpoint is saved either way.

    Raises DivergedError with the weights as they were before the step that was not finite, and OSError when three
    checkpoints in a row could not be written.
    """
    run.encoder.train()
    run.head.train()
    interrupted = False
    try:
        _evaluate_if_due(run)
        _take_steps(run)
    except Stopped:
        interrupted = True
    while run.step > 0 and run.saved != run.step:
        _save(run)
    return run.step == run.steps and not interrupted


def _take_steps(run: Training) -> None:
    recipe, compute = run.recipe, run.compute
    device, batch_size = compute.device, recipe.batch_size
    guard = Guard([("encoder", run.encoder), ("head", run.head)], device)
    run.optimizer.found_inf = guard.found_inf  # type: ignore[attr-defined]
    telemetry = Telemetry(run.report, guard, device, batch_size)
    warmup_steps = round(recipe.warmup * run.steps_per_epoch)
    order, order_epoch = epoch_order(recipe.seed, 0, len(run.source)), 0

    while run.step < run.steps and not run.stop.requested:
        epoch, position = divmod(run.step, run.steps_per_epoch)
        if epoch != order_epoch:
            order, order_epoch = epoch_order(recipe.seed, epoch, len(run.source)), epoch

        asked = time.perf_counter()
        samples = order[position * batch_size : (position + 1) * batch_size]
        images = run.source.batch(samples)
        params = draw_views(recipe, epoch, samples, run.source.side)
        waited = time.perf_counter() - asked

        # Both views pass in one batch of 2N, so that batch norm sees both (§2.1).
        views = two_views(images, params, recipe.image_size, torch.channels_last)
        with torch.autocast(device.type, compute.autocast, enabled=compute.autocast is not None):
            z = run.head(run.encoder(views))
        loss, top1 = nt_xent_and_top1(z[:batch_size], z[batch_size:], recipe.temperature)
        loss.backward()
        grad_norm = guard.look(loss.detach())

        lr = learning_rate(run.step, run.steps, warmup_steps, recipe.peak_lr)
        for group in run.optimizer.param_groups:
            group["lr"] = lr
        run.optimizer.step()
        run.optimizer.zero_grad()
        run.step += 1
        telemetry.step(run.step, lr, loss, top1, grad_norm, waited)

        if run.step % run.steps_per_epoch == 0:
            telemetry.drain()
            _end_epoch(run)
            telemetry.resume_clock()
    telemetry.drain()


def _end_epoch(run: Training) -> None:
    summary = run.report.state.summary
    epoch = run.step // run.steps_per_epoch
    run.report.say(
        f"epoch {epoch}/{run.recipe.epochs}  step {run.step}/{run.steps}  loss {summary['loss']:.4f}"
        f"  top-1 {summary['contrastive_top1']:.1%}  {summary['images_per_s']:,.0f} images/s"
    )
    _evaluate_if_due(run)
    if epoch % run.recipe.checkpoint_every == 0:
        _save(run)


def _evaluate_if_due(run: Training) -> None:
    """Measure kNN where it is due and not measured yet; a resumed run catches up on one it was stopped in."""
    if run.evaluated == run.step or not run.monitor.due(run.step, run.steps_per_epoch, run.steps):
        return
    accuracy = run.monitor.measure(run.encoder)
    run.evaluated = run.step
    run.report.evaluated(run.step, accuracy)
    run.report.say(f"kNN {accuracy:.2%} after step {run.step}")


def _save(run: Training) -> None:
    """Save a checkpoint. A full disk is reported and tried again at the next one; the third failure is final."""
    run.report.doing("saving a checkpoint")
    run.report.metrics.sync()
    try:
        manifest = checkpoint.save(
            run.paths, run.encoder, run.head, run.optimizer, run.step, run.step / run.steps_per_epoch, run.evaluated
        )
    except OSError as error:
        run.failed_saves += 1
        run.report.events.write("warning", f"checkpoint not saved: {error.strerror}", step=run.step)
        run.report.say(f"checkpoint at step {run.step} not saved: {error.strerror}")
        if run.failed_saves >= _SAVE_TRIES:
            raise
        return
    run.failed_saves, run.saved = 0, run.step
    run.report.events.write("checkpoint", manifest.file, step=run.step)
