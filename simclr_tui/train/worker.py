"""One attempt from an opened run folder to its last word: prepare, train, and tell how it ended."""

from __future__ import annotations

import platform
import traceback

import torch

from simclr_tui.errors import DataError, ExitCode, SimclrError
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.run import Run
from simclr_tui.text import percent, size
from simclr_tui.train.checkpoint import load_newest, restore
from simclr_tui.train.data.images import Data
from simclr_tui.train.data.open import open_data
from simclr_tui.train.device import choose_compute
from simclr_tui.train.encoder import build_encoder
from simclr_tui.train.head import ProjectionHead
from simclr_tui.train.loop import Training, train
from simclr_tui.train.monitor import KnnMonitor
from simclr_tui.train.optimizer import build_optimizer
from simclr_tui.train.report import Reporter
from simclr_tui.train.source import Source
from simclr_tui.train.stopping import StopFlag, Stopped


def work(paths: RunPaths, report: Reporter, stop: StopFlag) -> int:
    """Train the attempt. Whatever happens is written into the run folder; returns the exit code."""
    try:
        training = prepare(Run(paths.root).recipe, paths, report, stop)
        if train(training):
            report.ended("finished", "", ExitCode.OK)
            return ExitCode.OK
        kept = f"with a checkpoint at step {training.step}" if training.step else "before its first step"
        report.ended("stopped", f"on request, {kept}", ExitCode.STOPPED)
        return ExitCode.STOPPED
    except Stopped:
        report.ended("stopped", "on request, while preparing", ExitCode.STOPPED)
        return ExitCode.STOPPED
    except Exception as error:
        return _failed(report, error)


def _failed(report: Reporter, error: Exception) -> int:
    """Turn an error into the run's last words: ours as a sentence, torch's lack of memory with its figures, any
    other with its traceback in the log."""
    if isinstance(error, SimclrError):
        reason, code = str(error), error.exit_code
    elif isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error):
        reason, code = _memory_reason(report), ExitCode.OUT_OF_MEMORY
    elif isinstance(error, OSError):
        reason, code = f"the run folder cannot be written: {error.strerror}", ExitCode.STORE
    else:
        report.say(traceback.format_exc())
        reason, code = f"{type(error).__name__}: {error}", ExitCode.FAILED
    report.say(reason)
    report.ended("failed", reason, code, flag="diverged" if code == ExitCode.DIVERGED else "")
    return code


def _memory_reason(report: Reporter) -> str:
    figures = ""
    if torch.cuda.is_available():
        peak, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        figures = f" (peak {size(peak)}, reserved {size(reserved)})"
    return (
        f"out of memory after step {report.state.step}{figures} — give a smaller --bs (NT-Xent then sees fewer"
        " negatives), a smaller --width or --image-size"
    )


def prepare(recipe: Recipe, paths: RunPaths, report: Reporter, stop: StopFlag) -> Training:
    """Open the data, build the model from the seed, and load the newest checkpoint if there is one.

    Raises SimclrError, or Stopped when a stop is requested while images are being read.
    """
    compute = choose_compute(recipe)
    data = _open_images(recipe, report, stop)
    # The model is drawn on the CPU, so that a seed gives the same start on every device.
    torch.manual_seed(recipe.seed)
    encoder = build_encoder(recipe)
    head = ProjectionHead(encoder.dim, recipe.head_hidden, recipe.head_dim, recipe.head_bn)
    encoder = encoder.to(device=compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    head = head.to(compute.device)
    training = Training(
        recipe=recipe,
        paths=paths,
        compute=compute,
        source=Source(data.train.images, compute.device),
        encoder=encoder,
        head=head,
        optimizer=build_optimizer(recipe, [encoder, head]),
        monitor=KnnMonitor(recipe, data, compute, report, stop),
        report=report,
        stop=stop,
    )
    _go_on_from_checkpoint(training)
    _introduce(training, data)
    return training


def _open_images(recipe: Recipe, report: Reporter, stop: StopFlag) -> Data:
    def progress(what: str, done: int, total: int) -> None:
        stop.check()
        report.doing(f"{what} {percent(done / total)}" if total else what)

    data = open_data(recipe.data, image_size=recipe.image_size, subset=recipe.subset, progress=progress)
    for name in data.damaged:
        report.events.write("warning", f"damaged image, replaced by its neighbour: {name}")
    if len(data.train.images) < recipe.batch_size:
        raise DataError(
            f"a batch of {recipe.batch_size} does not fit into {len(data.train.images)} training images",
            "give a smaller --bs, or more images",
        )
    return data


def _go_on_from_checkpoint(training: Training) -> None:
    state, damages = load_newest(training.paths, training.compute.device)
    for damage in damages:
        training.report.events.write("warning", f"passed over a damaged checkpoint: {damage}")
        training.report.say(f"passed over a damaged checkpoint: {damage}")
    if state is not None:
        training.step, training.evaluated = restore(state, training.encoder, training.head, training.optimizer)
        training.saved = training.step


def _introduce(training: Training, data: Data) -> None:
    recipe, compute = training.recipe, training.compute
    parameters = sum(p.numel() for module in (training.encoder, training.head) for p in module.parameters())
    facts: dict[str, str | int | float] = {
        "data": recipe.data,
        "images": len(data.train.images),
        "test_images": len(data.test.images) if data.test else 0,
        "classes": len(data.classes),
        "damaged_images": len(data.damaged),
        "parameters": parameters,
        "dim": training.encoder.dim,
        "device": compute.name,
        "precision": compute.precision,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
    training.report.running(training.steps, training.steps_per_epoch, training.step, facts)
    training.report.say(
        f"{recipe.encoder} ×{recipe.width:g}, {parameters / 1e6:.2f} M parameters, on {compute.name}, "
        f"{compute.precision}; {facts['images']:,} images, {training.steps:,} steps of {recipe.batch_size} images"
    )
    if not training.monitor.enabled and recipe.knn_every:
        training.report.say("no labelled test images: kNN is not measured")
