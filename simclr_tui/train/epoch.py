"""Between two steps: the end of an epoch, evaluations of h, and checkpoints. The first process alone does these."""

from __future__ import annotations

from collections.abc import Iterable

from simclr_tui.text import safe
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.observe.step_metrics import Telemetry
from simclr_tui.train.stop_flag import Stopped
from simclr_tui.train.train_state import Training

_SAVE_TRIES = 3


def end_epoch(run: Training, telemetry: Telemetry) -> bool:
    """Tell, evaluate and save what is due. False when stopped meanwhile."""
    epoch = run.step // run.steps_per_epoch
    if run.world.first:
        _say_epoch(run, epoch)
    stuck = telemetry.end_epoch() and run.recipe.objective == "nt-xent" and epoch > run.recipe.warmup
    run.report.flag("diverged", stuck, f"loss stuck at chance, ln(2N−1), through epoch {epoch}")
    whole = evaluate_if_due(run)
    if whole and epoch % run.recipe.checkpoint_every == 0:
        save(run)
    return whole


def _say_epoch(run: Training, epoch: int) -> None:
    summary = run.report.state.summary
    run.report.say(
        f"epoch {epoch}/{run.recipe.epochs}  step {run.step}/{run.steps}  loss {summary['loss']:.4f}"
        f"  top-1 {summary['contrastive_top1']:.1%}  {summary['images_per_s']:,.0f} images/s"
    )


def tell_damaged(report: Reporter, names: Iterable[str]) -> None:
    """Name images that could not be decoded."""
    for name in names:
        sentence = f"damaged image, replaced by its neighbour: {safe(name)}"
        report.tell("warning", sentence)
        report.say(sentence)


def evaluate_if_due(run: Training) -> bool:
    """Measure h where it is due and not measured yet; a resumed run catches up on what it was stopped in.

    False when stopped meanwhile.
    """
    due = run.monitor.due(run.step, run.steps_per_epoch, run.steps)
    if not run.world.first or run.evaluated == run.step or not due:
        return True
    try:
        measured = run.monitor.measure(run.encoder, run.head)
    except Stopped:
        return run.world.size > 1 and run.step < run.steps  # the others learn of it where all agree, at the next step
    run.evaluated = run.step
    run.report.evaluated(run.step, measured.metrics())
    health = measured.health
    run.report.flag(
        "collapsed",
        run.step > 0 and health.collapsed,
        f"h and z have collapsed at step {run.step}: effective rank {health.rank_h:.1f} and {health.rank_z:.1f}, "
        f"spread {health.spread:.3f}",
    )
    return True


def save(run: Training) -> None:
    """Begin to save a checkpoint, once the one before is written. After a failure, training waits for what comes of it:
    a run that cannot be saved should not go on."""
    if not run.world.first:
        run.saved = run.step
        return
    settle(run, wait=True)
    run.report.doing("saving a checkpoint")
    run.report.metrics.sync()
    run.saver.begin(run.state_dict(), run.step, run.step / run.steps_per_epoch)
    if run.failed_saves:
        settle(run, wait=True)


def settle(run: Training, wait: bool = False) -> None:
    """Tell what became of a checkpoint, if it is written by now or if told to wait for it.

    A full disk is reported and tried again at the next one; the third failure in a row is final.
    """
    outcome = run.saver.outcome(wait)
    if outcome is None:
        return
    if isinstance(outcome, OSError):
        run.failed_saves += 1
        run.report.tell("warning", f"checkpoint not saved: {outcome.strerror}", run.saver.step)
        run.report.say(f"checkpoint at step {run.saver.step} not saved: {outcome.strerror}")
        if run.failed_saves >= _SAVE_TRIES:
            raise outcome
        return
    run.failed_saves, run.saved = 0, run.saver.step
    run.report.tell("checkpoint", outcome.file, run.saver.step)
