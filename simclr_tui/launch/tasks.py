"""Run short tasks of the training plane in a child process: torch stays out of the CLI and the dashboard."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from simclr_tui.errors import CancelledError, ExitCode, RecipeError, SimclrError
from simclr_tui.interpreter import python_module
from simclr_tui.launch.cancel import Cancel
from simclr_tui.recipe.cost import EncoderFacts
from simclr_tui.recipe.datasets import check_data
from simclr_tui.recipe.fields import check_value, field
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import Resolved, to_toml
from simclr_tui.store.checkpoints import chosen_step
from simclr_tui.store.export.target import check_target
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Failure, ImportedEncoder, Neighbors, Preview, Projection, Written
from simclr_tui.text import safe

ENCODER_SUFFIXES = (".safetensors", ".pt", ".onnx")
VECTOR_SUFFIXES = (".npy", ".parquet")
Reply = TypeVar("Reply", bound=msgspec.Struct)


def export_encoder(
    run: Run, target: Path, *, checkpoint: str = "newest", folder: bool = False, quiet: bool = False,
    cancel: Cancel | None = None,
) -> Written:  # fmt: skip
    """Write the encoder of a run's checkpoint (newest, best or a step), with instructions to load it.

    With `folder`, `target` is made a folder with weights, config, card and loader. Raises SimclrError.
    """
    if not folder:
        check_target(target, ENCODER_SUFFIXES, "--encoder")
    step = chosen_step(run.paths, checkpoint)
    flags = [*([] if step is None else ["--step", str(step)]), *(["--folder"] if folder else [])]
    words = [*flags, "--", str(run.path), str(target)]
    return _ask("export", words, Written, quiet=quiet, cancel=cancel)


def embed(
    run: Run,
    target: Path,
    *,
    data: str | None = None,
    split: str | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> Written:
    """Write h of every image of `data` (default: the run's own). Raises SimclrError."""
    check_target(target, VECTOR_SUFFIXES, "--out")
    check_data(data or run.recipe.data)
    return _ask("embed", [*_options(data, split, device), "--", str(run.path), str(target)], Written, quiet=quiet)


def neighbors(
    run: Run, image: str, *, data: str | None = None, split: str | None = None, k: int = 8, device: str = "auto",
    quiet: bool = False, cancel: Cancel | None = None,
) -> Neighbors:  # fmt: skip
    """Return the `k` images of `data` nearest to an image file or a test image's number. Raises SimclrError."""
    check_data(data or run.recipe.data)
    words = ["-k", str(k), *_options(data, split, device), "--", str(run.path), image]
    return _ask("neighbors", words, Neighbors, quiet=quiet, cancel=cancel)


def project(
    run: Run, *, data: str | None = None, split: str | None = None, device: str = "auto", quiet: bool = False,
    cancel: Cancel | None = None,
) -> Projection:  # fmt: skip
    """Project h of a class-balanced sample of `data` on its first two principal components. Raises SimclrError."""
    check_data(data or run.recipe.data)
    words = [*_options(data, split, device), "--", str(run.path)]
    return _ask("pca", words, Projection, quiet=quiet, cancel=cancel)


def preview(
    resolved: Resolved,
    images: int = 4,
    *,
    target: Path | None = None,
    quiet: bool = False,
    cancel: Cancel | None = None,
) -> Preview:
    """Return the first images that a run of the recipe would see, and both views of each. Raises SimclrError."""
    if target is not None:
        check_target(target, (".png",), "--out")
    words = ["--images", str(images), *(["--out", str(target)] if target else [])]
    return _ask("preview", words, Preview, given=to_toml(resolved).encode(), quiet=quiet, cancel=cancel)


def import_encoder(folder: Path, source: str, known: Mapping[str, Any], *, quiet: bool = False) -> ImportedEncoder:
    """Write the encoder of a file or a library as the checkpoint of the run in `folder`. Raises SimclrError."""
    words = ["--", str(folder), source]
    return _ask("import_encoder", words, ImportedEncoder, given=msgspec.json.encode(dict(known)), quiet=quiet)


def encoder_facts(recipe: Recipe, channels: int = 3) -> EncoderFacts:
    """Return the facts that only torch can count: the size of a torchvision or timm encoder. Slow the first time.

    The first call takes seconds. Raises RecipeError for an unknown encoder or one that cannot take the recipe's images,
    else SimclrError.
    """
    facts = _encoder_facts(
        recipe.encoder, recipe.image_size, recipe.stem, zero_init=recipe.zero_init, channels=channels
    )
    if isinstance(facts, Failure):
        raise RecipeError(facts.message, facts.hint)
    return facts


@functools.cache
def _encoder_facts(
    encoder: str, image_size: int, stem: str, *, zero_init: bool, channels: int
) -> EncoderFacts | Failure:
    """Cache the facts, and the errors too: a form asks again at every change."""
    words = [
        "--image-size",
        str(image_size),
        "--stem",
        stem,
        "--channels",
        str(channels),
        *(["--zero-init"] if zero_init else []),
        "--",
        encoder,
    ]
    try:
        return _ask("encoder_facts", words, EncoderFacts, quiet=True)
    except SimclrError as error:
        if error.exit_code != ExitCode.USAGE:
            raise
        return Failure(error.message, error.hint)


def _options(data: str | None, split: str | None, device: str) -> list[str]:
    given = {"--data": data, "--split": split, "--device": check_value(field("device"), device)}
    return [word for flag, value in given.items() if value is not None for word in (flag, str(value))]


def _ask(
    module: str, words: Sequence[str], kind: type[Reply], *, given: bytes = b"", quiet: bool = False,
    cancel: Cancel | None = None,
) -> Reply:  # fmt: skip
    """Run `python -m simclr_tui.tasks.MODULE` and return its reply, or raise the error that ended it, from its stdout.

    Its stderr goes to ours unless `quiet`. A Ctrl-C reaches this process alone and ends the child without a message.
    Raises CancelledError where `cancel` was requested.
    """
    command = python_module(f"simclr_tui.tasks.{module}", *words)
    talk, pipe = (subprocess.PIPE if quiet else None), subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=talk, start_new_session=True) as process:
        if cancel is not None:
            cancel.watch(process)
        try:
            answer, said = process.communicate(given)
        except BaseException:
            process.kill()
            raise
    if cancel is not None and cancel.requested:
        raise CancelledError("cancelled")
    if process.returncode == ExitCode.OK:
        return msgspec.json.decode(answer, type=kind)
    raise _error(module, process.returncode, answer=answer, said=said)


def _error(module: str, code: int, *, answer: bytes, said: bytes | None) -> SimclrError:
    try:
        failure = msgspec.json.decode(answer, type=Failure)
        known = ExitCode(code)
    except ValueError:  # a crash or a kill leaves no answer
        lines = (said or b"").decode(errors="replace").strip().splitlines()
        why = f": {safe(lines[-1])}" if lines else ""
        return SimclrError(f"the process for {module} ended with code {code}{why}", "see simclr doctor")
    error = SimclrError(failure.message, failure.hint)
    error.exit_code = known
    return error
