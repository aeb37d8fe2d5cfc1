"""One tree of errors. Each says what happened, what to type next (`hint`) and carries its exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees. Stable: scripts branch on these."""

    OK = 0
    FAILED = 1  # an unexpected failure, ours
    USAGE = 2  # a flag, a value or a recipe that cannot be
    NOT_FOUND = 3  # no such run, preset or checkpoint
    DATA = 4  # the images are missing, damaged or too few
    STORE = 5  # the run store cannot be written, or a run is in the wrong state
    DIVERGED = 6  # loss or gradient not finite
    OUT_OF_MEMORY = 7  # GPU or host memory
    CHECKPOINT = 8  # no valid checkpoint to go on from
    STOPPED = 9  # stopped on request, with a checkpoint
    HANGUP = 129  # the terminal was closed; the run goes on
    INTERRUPTED = 130  # Ctrl-C before there was anything to keep


class SimclrError(Exception):
    """Base of every error a person is shown.

    `message` is one sentence saying what is wrong; `hint`, one saying what to do next.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} — {self.hint}" if self.hint else self.message


class RecipeError(SimclrError):
    """A value, field, preset or recipe file that cannot be used."""

    exit_code = ExitCode.USAGE


class NotFoundError(SimclrError):
    """No such run, preset or metric."""

    exit_code = ExitCode.NOT_FOUND


class DataError(SimclrError):
    """Images missing, damaged or too few."""

    exit_code = ExitCode.DATA


class StoreError(SimclrError):
    """The run store cannot be read or written, or a run is in a state that does not allow this."""

    exit_code = ExitCode.STORE


class CheckpointError(SimclrError):
    """No checkpoint can be used."""

    exit_code = ExitCode.CHECKPOINT


class DivergedError(SimclrError):
    """Loss or gradient became non-finite; the weights were left as they were before that step."""

    exit_code = ExitCode.DIVERGED


class OutOfMemoryError(SimclrError):
    """The batch does not fit into memory."""

    exit_code = ExitCode.OUT_OF_MEMORY


class EvaluationError(SimclrError):
    """An evaluation that cannot be believed: the encoder that it froze is not as it was."""


class CancelledError(SimclrError):
    """Whoever asked for the work does not want it any more."""

    exit_code: ExitCode = ExitCode.INTERRUPTED
