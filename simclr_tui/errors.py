"""Define every error that a person is shown: what happened, what to do next (`hint`) and the exit code."""

from __future__ import annotations

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """List what the shell sees. Stable: scripts branch on these."""

    OK = 0
    FAILED = 1  # an unexpected failure, ours
    USAGE = 2  # an invalid flag, value or recipe
    NOT_FOUND = 3  # no such run, preset or checkpoint
    DATA = 4  # the images are missing, damaged or too few
    STORE = 5  # the run store cannot be written, or a run is in the wrong state
    DIVERGED = 6  # loss or gradient is not finite
    OUT_OF_MEMORY = 7  # GPU or host memory
    CHECKPOINT = 8  # no valid checkpoint to resume from
    STOPPED = 9  # stopped on request, with a checkpoint
    HANGUP = 129  # the terminal was closed; the run continues
    INTERRUPTED = 130  # Ctrl-C before there was anything to save


class SimclrError(Exception):
    """Report an error to a person; the base of every other error here.

    `message` is a sentence saying what is wrong; `hint` is one saying what to do next.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} — {self.hint}" if self.hint else self.message


class RecipeError(SimclrError):
    """Reject a value, field, preset or recipe file that cannot be used."""

    exit_code = ExitCode.USAGE


class NotFoundError(SimclrError):
    """Report that there is no such run, preset or metric."""

    exit_code = ExitCode.NOT_FOUND


class DataError(SimclrError):
    """Report images that are missing, damaged or too few."""

    exit_code = ExitCode.DATA


class StoreError(SimclrError):
    """Report a run store that cannot be read or written, or a run whose state does not allow an action."""

    exit_code = ExitCode.STORE


class UnansweredError(StoreError):
    """Report a file of the store that cannot be read at the moment, which says nothing about what is in it.

    Nothing may be concluded, written or remembered from it: the next look may find the file as it always was. Where the
    user has no right to read it, that does not pass by itself, and nothing waits for it (`may_pass`).
    """

    def __init__(self, message: str, hint: str = "", *, may_pass: bool = True) -> None:
        super().__init__(message, hint)
        self.may_pass = may_pass


class CheckpointError(SimclrError):
    """Report that no checkpoint can be used."""

    exit_code = ExitCode.CHECKPOINT


class DivergedError(SimclrError):
    """Report a non-finite loss or gradient; the weights stay as they were before that step."""

    exit_code = ExitCode.DIVERGED


class OutOfMemoryError(SimclrError):
    """Report that the batch does not fit into memory."""

    exit_code = ExitCode.OUT_OF_MEMORY


class EvaluationError(SimclrError):
    """Reject an evaluation that cannot be trusted because its frozen encoder changed."""


class CancelledError(SimclrError):
    """Report that the work was cancelled by whoever requested it."""

    exit_code: ExitCode = ExitCode.INTERRUPTED


_OF_THE_FILE = {
    errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.EISDIR, errno.EFBIG, errno.ENXIO, errno.ENODEV,
    errno.ENAMETOOLONG,
}  # fmt: skip


def is_unanswered(error: BaseException) -> bool:
    """Return whether an error says nothing about a file: a disk, a server, a limit or a right kept it from being read.

    Such an error may pass by itself, as EIO, ESTALE and EMFILE do. A missing file, or one of the wrong kind, is a fact.
    """
    return isinstance(error, OSError) and error.errno is not None and error.errno not in _OF_THE_FILE
