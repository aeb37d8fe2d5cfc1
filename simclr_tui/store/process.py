"""The identity of a process: its pid, which may be reused, together with its boot and start time."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import time
from pathlib import Path

import msgspec

from simclr_tui.boot import boot_id, booted_at
from simclr_tui.errors import StoreError


class ProcessId(msgspec.Struct, frozen=True, kw_only=True):
    """Identify one process of one boot. `started` is the kernel's tick count, which no change of the clock affects.

    `host` is only for people: the boot identifies the machine.
    """

    pid: int
    started: int
    boot: str
    host: str = ""


def this_process() -> ProcessId:
    """Return the identity of the calling process."""
    return identify(os.getpid())


def identify(pid: int) -> ProcessId:
    """Return the identity of a living process; `started` is −1 for one that is not alive."""
    return ProcessId(pid=pid, started=_start_time(pid), boot=boot_id(), host=platform.node())


def is_alive(process: ProcessId | None) -> bool:
    """Return whether exactly that process is still running (a zombie is not).

    Raises OSError where the system does not say, as at the limit of open files: that is no sign of its end.
    """
    return (
        process is not None
        and process.started >= 0
        and process.boot == boot_id()
        and _start_time(process.pid) == process.started
    )


def is_before_restart(process: ProcessId, written: float) -> bool:
    """Return whether a process of another boot was one of this machine, and ended when that was restarted.

    Its host's name does not tell: machines made from one image, and containers, have equal names. What it last wrote,
    at `written` in wall time, does: if that was since this boot began, it lives, or lived, on another machine of that
    name. A time to come is no time at which anything was written: a clock was wrong.
    """
    if process.host not in ("", platform.node()):
        return False
    return not process.host or not booted_at() <= written <= time.time() + _CLOCKS_DIFFER


_CLOCKS_DIFFER = 300.0  # seconds by which the clocks of a file server and its hosts may differ


def trains_elsewhere(process: ProcessId, root: Path) -> bool:
    """Return whether a living process is the trainer or supervisor of a run folder other than `root`.

    The folder is read from its command line. If that names none, or cannot be read, the answer is no.
    """
    try:
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
        directory = Path(f"/proc/{process.pid}/cwd")
        for number, word in enumerate(words[:-1]):
            if word in _RUN_PROGRAMS:
                return not (directory / os.fsdecode(words[number + 1])).samefile(root)
    except FileNotFoundError:
        return Path(f"/proc/{process.pid}").exists()  # the folder that it was started for no longer exists
    except OSError:
        return False
    return False


_RUN_PROGRAMS = (b"simclr_tui.train", b"simclr_tui.launch.supervisor")  # the run's folder is their first argument


def check_may_signal(process: ProcessId) -> None:
    """Raise StoreError if the process belongs to another user."""
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return
    except PermissionError:
        raise StoreError(f"process {process.pid} belongs to another user", "ask its owner to stop it") from None


def send_signal(process: ProcessId, number: signal.Signals, group: bool = False) -> bool:
    """Signal exactly that process, or its whole group, and return False if it is gone.

    A stranger that reuses its pid is never signalled. Raises StoreError if the process belongs to another user.
    """
    if not is_alive(process):
        return False
    try:
        (os.killpg if group else os.kill)(process.pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        check_may_signal(process)
        raise
    return True


def end_with_parent(number: signal.Signals, parent: int | None = None) -> None:
    """Have the kernel send this process signal `number` when the thread that started it ends, for whatever reason.

    The thread ends at the latest with its process. Works on Linux only; elsewhere no signal is sent. If `parent`, the
    parent's pid, is given and it has already ended, the signal is sent at once.
    """
    import ctypes

    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, int(number))
        if parent is not None and os.getppid() != parent:
            os.kill(os.getpid(), number)


_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in linux/prctl.h


def _start_time(pid: int) -> int:
    try:
        # The command's name, in brackets, may contain anything, so fields are counted from the last bracket.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return -1 if fields[0] in "ZX" else int(fields[19])
    except FileNotFoundError:
        return -1 if Path("/proc/self/stat").exists() else _start_time_without_proc(pid)
    except (ProcessLookupError, PermissionError, IndexError, ValueError):
        return -1


def _start_time_without_proc(pid: int) -> int:
    import psutil

    try:
        process = psutil.Process(pid)
        return -1 if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time())
    except psutil.Error:
        return -1
