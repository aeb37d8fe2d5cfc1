"""Explain the end of a trainer that a signal killed."""

from __future__ import annotations

import signal

from simclr_tui.errors import ExitCode

NO_MEMORY = "out of memory (killed by the kernel)"
NO_MEMORY_HINT = "give --micro-batch auto (NT-Xent still sees the whole batch), a smaller --bs or more memory"


def killed(who: str, number: int, *, by_kernel: bool, where: str = "") -> tuple[str, int]:
    """Return the reason and the exit code of a trainer that a signal killed.

    A SIGKILL while memory ran out came from the kernel, and a retry would meet it again. `who` is the process
    (`process 1`), empty for the only one. Any other exit code is the shell's, 137 for a SIGKILL.
    """
    if number == signal.SIGKILL and by_kernel:
        return f"{f'{who}: ' if who else ''}{NO_MEMORY}{where} — {NO_MEMORY_HINT}", ExitCode.OUT_OF_MEMORY
    guess = ", by someone or by the kernel for lack of memory" if number == signal.SIGKILL else ""
    return f"{f'{who} was ' if who else ''}killed by {signal.Signals(number).name}{guess}{where}", 128 + number
