"""Run one attempt: prepare its parts from the run folder, train, and record how it ended."""

from __future__ import annotations

import platform
import traceback

import torch

from simclr_tui.errors import DataError, ExitCode, SimclrError
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.for_channels import for_channels
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.checkpoints import manifests
from simclr_tui.store.events import PROCESS_FAILED
from simclr_tui.store.run import Run
from simclr_tui.text import percent, size
from simclr_tui.train.auto_micro_batch import choose_chunk
from simclr_tui.train.data.batches import Source
from simclr_tui.train.data.images import Data
from simclr_tui.train.data.open import open_data
from simclr_tui.train.device import choose_compute
from simclr_tui.train.distributed import (
    SINGLE_PROCESS,
    ProcessGroup,
    is_connection_lost,
    join_process_group,
    leave_process_group,
)
from simclr_tui.train.epoch import report_damaged
from simclr_tui.train.known_data import check_checkpoint_data, reading_of_run, recognise_data, tell_data
from simclr_tui.train.loop import train
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head
from simclr_tui.train.model.normalized import NormalizedEncoder, measure_statistics
from simclr_tui.train.model.sync_batchnorm import convert_sync_batchnorm
from simclr_tui.train.model.weights.initial import load_initial
from simclr_tui.train.observe.monitor import Monitor
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.optim.loss_scale import LossScale
from simclr_tui.train.optim.optimizer import build_optimizer
from simclr_tui.train.out_of_memory import is_out_of_memory
from simclr_tui.train.persist.checkpoint import load_newest
from simclr_tui.train.persist.made_with import changes_since
from simclr_tui.train.stop_flag import StopFlag, Stopped
from simclr_tui.train.train_state import Training


def run_attempt(paths: RunPaths, report: Reporter, stop: StopFlag) -> int:
    """Train the newest attempt, alone or as one of several processes, and return the exit code.

    However it ends, the run folder says so.
    """
    group = SINGLE_PROCESS
    try:
        group = join_process_group()
        training = prepare(Run(paths.root).recipe, paths, report, stop=stop, group=group)
        finished = train(training)
        leave_process_group()
        if finished:
            report.ended("finished", "", ExitCode.OK)
            return ExitCode.OK
        kept = f"with a checkpoint at step {training.step}" if training.step else "before its first step"
        report.ended("stopped", f"on request, {kept}", ExitCode.STOPPED)
        # Torchrun takes any other code for a failure and fills the log with it; state.json says "stopped" all the same.
        return ExitCode.STOPPED if group.size == 1 else ExitCode.OK
    except Stopped:
        report.ended("stopped", "on request, while preparing", ExitCode.STOPPED)
        return ExitCode.STOPPED
    except Exception as error:
        return _report_failure(report, error, group)


def _report_failure(report: Reporter, error: Exception, group: ProcessGroup) -> int:
    """Record an error as the reason why the run failed, and return the exit code.

    Our own errors are one sentence, out of memory comes with its figures, and any other leaves its traceback in the
    log. Where several processes train, such an error may only be the echo of a failure elsewhere, so the supervisor,
    which sees all processes, decides on the reason.
    """
    if isinstance(error, SimclrError):
        reason, code = str(error), error.exit_code
    elif is_out_of_memory(error):
        reason, code = _memory_reason(report), ExitCode.OUT_OF_MEMORY
    elif isinstance(error, OSError):
        reason, code = f"the run folder cannot be written: {error.strerror}", ExitCode.STORE
    else:
        report.log(traceback.format_exc())
        reason, code = f"{type(error).__name__}: {error}", ExitCode.FAILED
        if group.size > 1:
            report.event(PROCESS_FAILED, reason, rank=group.rank, exit_code=code, lost=is_connection_lost(error))
            return code
    report.log(reason)
    report.ended("failed", reason, code, flag="diverged" if code == ExitCode.DIVERGED else "")
    return code


def _memory_reason(report: Reporter) -> str:
    figures = ""
    if torch.cuda.is_available():
        peak, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        figures = f" (peak {size(peak)}, reserved {size(reserved)})"
    return (
        f"out of memory after step {report.state.step}{figures} — give --micro-batch auto (NT-Xent still sees the whole"
        " batch), a smaller --width or --image-size"
    )


def prepare(
    recipe: Recipe, paths: RunPaths, report: Reporter, *, stop: StopFlag, group: ProcessGroup = SINGLE_PROCESS
) -> Training:
    """Open the data, build the model from the seed, and load the newest checkpoint if there is one.

    Raises SimclrError, or Stopped where a stop is requested while images are being read.
    """
    compute = choose_compute(recipe, group, scales_loss=True)
    resumes = any(paths.checkpoints.glob("step-*.json"))
    data = _open_images(recipe, report, stop, group=group, reading=reading_of_run(paths, recipe, resumes=resumes))
    known = recognise_data(paths, recipe.data, data, resumes=resumes)
    recipe, fitted = for_channels(recipe, data.channels, rgb=data.rgb)
    # The model is drawn on the CPU, so that a seed gives the same start on every device.
    torch.manual_seed(recipe.seed)
    encoder = build_encoder(recipe, data.channels)
    head = build_head(recipe, encoder.dim)
    if isinstance(encoder, NormalizedEncoder) and recipe.normalize == "data":
        encoder.set_statistics(*measure_statistics(data.train.images))
    for module in (encoder, head):
        convert_sync_batchnorm(module, group)
    encoder = encoder.to(device=compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    head = head.to(compute.device)
    training = Training(
        recipe=recipe,
        paths=paths,
        compute=compute,
        source=Source(data.train.images, compute.device, data.check),
        encoder=encoder,
        head=head,
        optimizer=build_optimizer(recipe, [encoder, head]),
        monitor=Monitor(recipe, data, compute, report=report, stop=stop),
        report=report,
        stop=stop,
        group=group,
        schedule_images=known.schedule_images,
        data=known.facts.fingerprint,
        scale=LossScale(compute.device) if compute.autocast is torch.float16 else None,
    )
    started = ""
    if not _load_checkpoint(training):
        started = load_initial(encoder, recipe)
        training.chunk = choose_chunk(training)
    if group.is_first:
        tell_data(paths, known, report)
        _report_start(training, data)
        for sentence in filter(None, (fitted, started)):
            report.log(sentence)
    return training


def _open_images(recipe: Recipe, report: Reporter, stop: StopFlag, *, group: ProcessGroup, reading: Reading) -> Data:
    """Return the run's data; rank 0 decodes what is not in the cache yet, and the others wait for it."""

    def progress(what: str, done: int, total: int) -> None:
        stop.check()
        report.busy(f"{what} {percent(done / total)}" if total else what)

    if not group.is_first:
        group.barrier()
    data = open_data(
        recipe.data, image_size=recipe.image_size, subset=recipe.subset,
        progress=progress, reading=reading, digests=group.is_first,
    )  # fmt: skip
    if group.is_first:
        group.barrier()
    report_damaged(report, data.damaged)
    if len(data.train.images) < recipe.batch_size:
        raise DataError(
            f"a batch of {recipe.batch_size} does not fit into {len(data.train.images)} training images",
            "give a smaller --bs, or more images",
        )
    return data


def _load_checkpoint(training: Training) -> bool:
    """Load the newest checkpoint that is intact, and return whether there was one."""
    state, damages = load_newest(training.paths, training.compute.device)
    for damage in damages:
        training.report.event("warning", f"skipped a damaged checkpoint: {damage}")
        training.report.log(f"skipped a damaged checkpoint: {damage}")
    if state is not None:
        check_checkpoint_data(training.paths, training.data, state.get("data"), accepted=bool(training.schedule_images))
        for sentence in changes_since(training.recipe, state):
            training.report.event("warning", sentence, step=int(state["step"]))
            training.report.log(sentence)
        training.load_state_dict(state)
        training.saver.resume(manifests(training.paths), training.step)
    return state is not None


def _report_start(training: Training, data: Data) -> None:
    recipe, compute = training.recipe, training.compute
    parameters = sum(p.numel() for module in (training.encoder, training.head) for p in module.parameters())
    facts: dict[str, str | int | float] = {
        "data": recipe.data,
        "images": len(data.train.images),
        "test_images": len(data.test.images) if data.test else 0,
        **({"validation_images": len(data.validation.images)} if data.validation else {}),
        "classes": len(data.classes),
        **training.monitor.facts(),
        **data.held_out,
        "damaged_images": len(data.damaged),
        "parameters": parameters,
        "dim": training.encoder.dim,
        "device": compute.name,
        "precision": compute.precision,
        "processes": training.group.size,
        "micro_batch": training.chunk,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
    training.report.running(training.steps, training.steps_per_epoch, training.step, facts=facts)
    training.report.log(
        f"{recipe.encoder} ×{recipe.width:g}, {parameters / 1e6:.2f} M parameters, on {_where(training)}, "
        f"{compute.precision}; {facts['images']:,} images, {training.steps:,} steps of {recipe.batch_size} images"
    )
    if training.chunk < training.local_batch:
        training.report.log(f"{training.chunk} images pass at once; the loss sees all {recipe.batch_size}")
    for warning in training.monitor.warnings() if recipe.knn_every else ():
        training.report.event("warning", warning)
        training.report.log(f"warning: {warning}")
    if recipe.knn_every and training.monitor.labelled and training.monitor.groups:
        training.report.log(training.monitor.groups)
    if recipe.knn_every and not training.monitor.has_labels:
        training.report.log("no labelled images: kNN is not measured")


def _where(training: Training) -> str:
    size = training.group.size
    return training.compute.name if size == 1 else f"{size} processes, each on {training.compute.name}"
