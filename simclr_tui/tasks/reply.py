"""The other end of `launch.aside`: short work of the training plane, answered as one JSON document on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import msgspec

from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.store.task_replies import Failure
from simclr_tui.text import safe


def answer(work: Callable[[], msgspec.Struct]) -> int:
    """Do the work, write its answer or why there is none, and return the exit code.

    What libraries print meanwhile goes to stderr: the answer alone is on stdout.
    """
    stdout = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    code, reply = ExitCode.OK, None
    try:
        reply = work()
    except SimclrError as error:
        code, reply = error.exit_code, Failure(error.message, error.hint)
    except KeyboardInterrupt:
        code, reply = ExitCode.INTERRUPTED, Failure("interrupted")
    with open(stdout, "wb") as file:
        file.write(msgspec.json.encode(reply))
    return code


class Progress:
    """Progress on stderr: one line of a terminal, nothing where stderr is a file. Quick work is not worth a line."""

    def __call__(self, what: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            share = f"{done / total:4.0%}" if total else ""
            print(f"\r\x1b[K{safe(what)} {share}", end="", file=sys.stderr, flush=True)
            if done >= total:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
