"""One attempt from an opened run folder to its last word: prepare, train, and tell how it ended."""

from __future__ import annotations

import errno
import platform
import traceback

import torch

from simclr_tui.errors import DataError, ExitCode, SimclrError
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.events import PROCESS_FAILED
from simclr_tui.store.run import Run
from simclr_tui.text import percent, size
from simclr_tui.train.auto_micro_batch import choose_chunk
from simclr_tui.train.data.batches import Source
from simclr_tui.train.data.images import Data
from simclr_tui.train.data.open import open_data
from simclr_tui.train.device import choose_compute
from simclr_tui.train.distributed import ALONE, World, is_loss_of_touch, join_world
from simclr_tui.train.epoch import tell_damaged
from simclr_tui.train.loop import train
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head
from simclr_tui.train.model.sync_batchnorm import convert_sync_batchnorm
from simclr_tui.train.observe.monitor import Monitor
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.optim.loss_scale import LossScale
from simclr_tui.train.optim.optimizer import build_optimizer
from simclr_tui.train.persist.checkpoint import load_newest
from simclr_tui.train.stop_flag import StopFlag, Stopped
from simclr_tui.train.train_state import Training


def work(paths: RunPaths, report: Reporter, stop: StopFlag) -> int:
    """Train the attempt, in this process or as one of several. Whatever happens is written into the run folder;
    returns the exit code."""
    world = ALONE
    try:
        world = join_world()
        training = prepare(Run(paths.root).recipe, paths, report, stop, world)
        if train(training):
            report.ended("finished", "", ExitCode.OK)
            return ExitCode.OK
        kept = f"with a checkpoint at step {training.step}" if training.step else "before its first step"
        report.ended("stopped", f"on request, {kept}", ExitCode.STOPPED)
        # Torchrun would take any other code for a failure, and fill the log with it; state.json tells all the same.
        return ExitCode.STOPPED if world.size == 1 else ExitCode.OK
    except Stopped:
        report.ended("stopped", "on request, while preparing", ExitCode.STOPPED)
        return ExitCode.STOPPED
    except Exception as error:
        return _failed(report, error, world)


def _failed(report: Reporter, error: Exception, world: World) -> int:
    """Turn an error into the run's last words: ours as a sentence, torch's lack of memory with its figures, any
    other with its traceback in the log. Where several processes train, such another may only be what one sees of a
    failure elsewhere: the supervisor, which hears of all, then has the last word."""
    if isinstance(error, SimclrError):
        reason, code = str(error), error.exit_code
    elif _is_memory(error):
        reason, code = _memory_reason(report), ExitCode.OUT_OF_MEMORY
    elif isinstance(error, OSError):
        reason, code = f"the run folder cannot be written: {error.strerror}", ExitCode.STORE
    else:
        report.say(traceback.format_exc())
        reason, code = f"{type(error).__name__}: {error}", ExitCode.FAILED
        if world.size > 1:
            report.tell(PROCESS_FAILED, reason, rank=world.rank, exit_code=code, lost=is_loss_of_touch(error))
            return code
    report.say(reason)
    report.ended("failed", reason, code, flag="diverged" if code == ExitCode.DIVERGED else "")
    return code


def _is_memory(error: Exception) -> bool:
    """Whether there was no room: on the device, in torch's allocator, in Python, or in a system call."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _memory_reason(report: Reporter) -> str:
    figures = ""
    if torch.cuda.is_available():
        peak, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        figures = f" (peak {size(peak)}, reserved {size(reserved)})"
    return (
        f"out of memory after step {report.state.step}{figures} — give --micro-batch auto (NT-Xent still sees the whole"
        " batch), a smaller --width or --image-size"
    )


def prepare(recipe: Recipe, paths: RunPaths, report: Reporter, stop: StopFlag, world: World = ALONE) -> Training:
    """Open the data, build the model from the seed, and load the newest checkpoint if there is one.

    Raises SimclrError, or Stopped when a stop is requested while images are being read.
    """
    compute = choose_compute(recipe, world)
    data = _open_images(recipe, report, stop, world)
    # The model is drawn on the CPU, so that a seed gives the same start on every device.
    torch.manual_seed(recipe.seed)
    encoder = build_encoder(recipe)
    head = build_head(recipe, encoder.dim)
    for module in (encoder, head):
        convert_sync_batchnorm(module, world)
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
        monitor=Monitor(recipe, data, compute, report, stop),
        report=report,
        stop=stop,
        world=world,
        scale=LossScale(compute.device) if compute.autocast is torch.float16 else None,
    )
    if not _go_on_from_checkpoint(training):
        training.chunk = choose_chunk(training)
    if world.first:
        _introduce(training, data)
    return training


def _open_images(recipe: Recipe, report: Reporter, stop: StopFlag, world: World) -> Data:
    """The first process decodes what is not in the cache yet; the others wait for it."""

    def progress(what: str, done: int, total: int) -> None:
        stop.check()
        report.doing(f"{what} {percent(done / total)}" if total else what)

    if not world.first:
        world.in_turn()
    data = open_data(recipe.data, image_size=recipe.image_size, subset=recipe.subset, progress=progress)
    if world.first:
        world.in_turn()
    tell_damaged(report, data.damaged)
    if len(data.train.images) < recipe.batch_size:
        raise DataError(
            f"a batch of {recipe.batch_size} does not fit into {len(data.train.images)} training images",
            "give a smaller --bs, or more images",
        )
    return data


def _go_on_from_checkpoint(training: Training) -> bool:
    """Whether there was one."""
    state, damages = load_newest(training.paths, training.compute.device)
    for damage in damages:
        training.report.tell("warning", f"passed over a damaged checkpoint: {damage}")
        training.report.say(f"passed over a damaged checkpoint: {damage}")
    if state is not None:
        training.load_state_dict(state)
    return state is not None


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
        "processes": training.world.size,
        "micro_batch": training.chunk,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
    training.report.running(training.steps, training.steps_per_epoch, training.step, facts)
    training.report.say(
        f"{recipe.encoder} ×{recipe.width:g}, {parameters / 1e6:.2f} M parameters, on {_where(training)}, "
        f"{compute.precision}; {facts['images']:,} images, {training.steps:,} steps of {recipe.batch_size} images"
    )
    if training.chunk < training.share:
        training.report.say(f"{training.chunk} images pass at once; the loss sees all {recipe.batch_size}")
    if recipe.knn_every and not training.monitor.labelled:
        training.report.say("no labelled test images: kNN is not measured")


def _where(training: Training) -> str:
    size = training.world.size
    return training.compute.name if size == 1 else f"{size} processes, each on {training.compute.name}"
