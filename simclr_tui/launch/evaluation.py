"""Run an evaluation in a process of its own, for the command line and the dashboard."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from simclr_tui.errors import CancelledError, CheckpointError, ExitCode, NotFoundError, RecipeError, SimclrError
from simclr_tui.interpreter import python_module
from simclr_tui.launch.cancel import Cancel
from simclr_tui.recipe.cost import head_widths
from simclr_tui.recipe.datasets import check_data
from simclr_tui.recipe.fields import field
from simclr_tui.store.evaluations import Evaluation, read_evaluation
from simclr_tui.store.held_folder import HeldFolder
from simclr_tui.store.run import Run
from simclr_tui.text import safe

_GRACE = 1.0  # seconds an interrupted evaluation has to end by itself and print its last line

Options = Mapping[str, str | int | float | None]
"""Flags of `python -m simclr_tui.evaluate` and their values; None leaves a flag out."""


def check_evaluation(run: Run, *, step: int | None = None, data: str | None = None, device: str | None = None) -> None:
    """Raise SimclrError for every mistake that can be found before torch is loaded."""
    if device is not None:
        field("device").parse(device)
    steps = sorted(manifest.step for manifest in run.checkpoints)
    if not steps and run.info.origin is not None:
        raise CheckpointError(
            f"{run.name} was imported without a checkpoint", "evaluate its weights: simclr eval FILE --data DATA"
        )
    if not steps:
        raise run.lacks_checkpoint()
    if step is not None and step not in steps:
        raise NotFoundError(f"{run.name} has no checkpoint at step {step}", f"there are: {', '.join(map(str, steps))}")
    check_data(data or run.recipe.data)


def check_head_layers(run: Run, layers: int) -> None:
    """Raise RecipeError unless a run's projection head has a hidden layer after its first `layers`."""
    head = run.resolved.known_values()["head"]
    depth = 0 if head is None else len(head_widths(str(head), 1, 1, out=1)) - 1
    if layers < depth:
        return
    if depth < 2:
        what = "came without its projection head" if head is None else f"has no hidden layer in its head ({head})"
        raise RecipeError(f"{run.name} {what}", "fine-tune from h, without --head-layers")
    middle = "1" if depth == 2 else f"1 to {depth - 1}"
    raise RecipeError(
        f"the head of {run.name} has {depth} layers, of which the last one gives z", f"give --head-layers {middle}"
    )


def evaluate(
    run: Run, protocols: Sequence[str], options: Options, *,
    process_made: Callable[[subprocess.Popen[bytes]], None] | None = None, stderr: int | None = None,
) -> tuple[int, list[str]]:  # fmt: skip
    """Evaluate in a process attached to this terminal. Returns its exit code and the names of the results it wrote.

    Ctrl-C reaches it too and ends it; a SIGINT that was sent to this process alone is passed on.
    """
    words = [word for flag, value in options.items() if value is not None for word in (flag, str(value))]
    command = python_module("simclr_tui.evaluate", str(run.path), "--protocols", ",".join(protocols), *words)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr)
    if process_made is not None:
        process_made(process)
    assert process.stdout is not None
    names: list[str] = []
    # In a thread, where no interrupt can fall between a name that was read and the list that keeps it.
    reader = threading.Thread(target=_collect, args=(process.stdout, names), daemon=True)
    reader.start()
    try:
        code = process.wait()
    except KeyboardInterrupt:
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(_GRACE)
        process.terminate()
        process.wait()
        code = ExitCode.INTERRUPTED
    reader.join()
    return code, names


def _collect(stream: IO[bytes], names: list[str]) -> None:
    with stream:
        for line in stream:
            names.append(line.decode().strip())


def evaluate_quietly(
    run: Run, protocols: Sequence[str], heard: Callable[[str], object], *, cancel: Cancel
) -> list[Evaluation]:
    """Evaluate without a terminal, passing each line of progress to `heard`; return the results. Raises SimclrError."""
    check_evaluation(run)
    said: list[str] = []
    listeners: list[threading.Thread] = []

    def listen(process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        listeners.append(threading.Thread(target=_listen, args=(process.stderr, said, heard), daemon=True))
        listeners[0].start()
        cancel.watch(process)

    folder = HeldFolder(run.paths)
    code, names = evaluate(run, protocols, {}, process_made=listen, stderr=subprocess.PIPE)
    listeners[0].join(_GRACE)  # the last line says why it failed
    if cancel.requested:
        raise CancelledError(f"the evaluation of {run.name} was cancelled")
    if code != ExitCode.OK:
        raise _error(code, said)
    return [found for name in names if (found := read_evaluation(folder.paths, name)) is not None]


def _listen(stream: IO[bytes], said: list[str], heard: Callable[[str], object]) -> None:
    with stream:
        for line in stream:
            said.append(safe(line.decode(errors="replace").strip()))
            heard(said[-1])


def _error(code: int, said: list[str]) -> SimclrError:
    error = SimclrError((said or [f"the evaluation ended with code {code}"])[-1].removeprefix("simclr: "))
    with contextlib.suppress(ValueError):
        error.exit_code = ExitCode(code)
    return error
