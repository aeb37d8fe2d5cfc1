"""Reply to `launch.tasks`: run a short task of the training plane, its result one JSON document on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import msgspec

from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.store.task_replies import Failure
from simclr_tui.text import safe


def send_reply(task: Callable[[], msgspec.Struct]) -> int:
    """Run the task, write its result or its failure, and return the exit code.

    Whatever libraries print meanwhile goes to stderr; stdout carries the reply only.
    """
    stdout = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    code, reply = ExitCode.OK, None
    try:
        reply = task()
    except SimclrError as error:
        code, reply = error.exit_code, Failure(error.message, error.hint)
    except KeyboardInterrupt:
        code, reply = ExitCode.INTERRUPTED, Failure("interrupted")
    with open(stdout, "wb") as file:
        file.write(msgspec.json.encode(reply))
    return code


class Progress:
    """Write progress to stderr: one line on a terminal, nothing elsewhere."""

    def __call__(self, what: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            share = f"{done / total:4.0%}" if total else ""
            print(f"\r\x1b[K{safe(what)} {share}", end="", file=sys.stderr, flush=True)
            if done >= total:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
