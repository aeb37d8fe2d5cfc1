"""What happens between two steps: the end of an epoch, evaluations of h, and checkpoints; rank 0 alone does these."""

from __future__ import annotations

from collections.abc import Iterable

from simclr_tui.text import safe
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.observe.step_metrics import Telemetry
from simclr_tui.train.stop_flag import Stopped
from simclr_tui.train.train_state import Training

_SAVE_TRIES = 3


def end_epoch(run: Training, telemetry: Telemetry) -> bool:
    """Log the epoch, then evaluate and save what is due. Returns False where a stop was requested meanwhile."""
    epoch = run.step // run.steps_per_epoch
    if run.group.is_first:
        _log_epoch(run, epoch)
    stuck = telemetry.end_epoch() and run.recipe.objective == "nt-xent" and epoch > run.recipe.warmup
    run.report.flag("diverged", stuck, f"loss stuck at chance, ln({run.recipe.candidates:,}), through epoch {epoch}")
    not_stopped = evaluate_if_due(run)
    if not_stopped and (run.is_best or epoch % run.recipe.checkpoint_every == 0):
        save(run)
    return not_stopped


def _log_epoch(run: Training, epoch: int) -> None:
    summary = run.report.state.summary
    run.report.log(
        f"epoch {epoch}/{run.recipe.epochs}  step {run.step}/{run.steps}  loss {summary['loss']:.4f}"
        f"  top-1 {summary['contrastive_top1']:.1%}  {summary['images_per_s']:,.0f} images/s"
    )


def report_damaged(report: Reporter, names: Iterable[str]) -> None:
    """Log the names of images that could not be decoded."""
    for name in names:
        sentence = f"damaged image, replaced by its neighbour: {safe(name)}"
        report.event("warning", sentence)
        report.log(sentence)


def evaluate_if_due(run: Training) -> bool:
    """Evaluate h where that is due and not done yet; a resumed run makes up for the evaluation that a stop cut off.

    Returns False where a stop was requested meanwhile.
    """
    due = run.monitor.due(run.step, run.steps_per_epoch, run.steps)
    if not run.group.is_first or run.evaluated == run.step or not due:
        return True
    try:
        measured = run.monitor.measure(run.encoder, run.head)
    except Stopped:
        return run.group.size > 1 and run.step < run.steps  # the others learn of it where all agree, at the next step
    run.evaluated = run.step
    run.knn = measured.knn if run.recipe.keeps_best else None
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
    """Start to save a checkpoint, once the one before is written.

    After a failed save, training waits for the outcome: a run that cannot be saved should not go on.
    """
    if not run.group.is_first:
        run.saved = run.step
        return
    report_save(run, wait=True)
    run.report.busy("saving a checkpoint")
    run.report.metrics.sync()
    run.saver.begin(run.state_dict(), run.step, run.step / run.steps_per_epoch, knn=run.measured)
    if run.failed_saves:
        report_save(run, wait=True)


def report_save(run: Training, wait: bool = False) -> None:
    """Record the outcome of the last save if it has one by now, or once it has one if told to wait.

    A full disk is reported, and the next checkpoint tries again; the third failure in a row is raised as OSError.
    """
    outcome = run.saver.outcome(wait)
    if outcome is None:
        return
    if isinstance(outcome, OSError):
        run.failed_saves += 1
        run.report.event("warning", f"checkpoint not saved: {outcome.strerror}", run.saver.step)
        run.report.log(f"checkpoint at step {run.saver.step} not saved: {outcome.strerror}")
        if run.failed_saves >= _SAVE_TRIES:
            raise outcome
        return
    run.failed_saves, run.saved = 0, run.saver.step
    run.report.event("checkpoint", outcome.file, run.saver.step)
