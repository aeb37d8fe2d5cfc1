"""Who a process is: a pid alone is reused, so boot and start time go with it."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
from functools import cache
from pathlib import Path

import msgspec

from simclr_tui.errors import StoreError


class ProcessId(msgspec.Struct, frozen=True, kw_only=True):
    """One process of one boot. `started` is the kernel's own tick count, which no clock change moves.

    `host` is for people; which machine it is, the boot says.
    """

    pid: int
    started: int
    boot: str
    host: str = ""


def this_process() -> ProcessId:
    return identify(os.getpid())


def identify(pid: int) -> ProcessId:
    """The identity of a process that is alive; `started` is −1 for one that is not."""
    return ProcessId(pid=pid, started=_start_time(pid), boot=boot_id(), host=platform.node())


def is_alive(process: ProcessId | None) -> bool:
    """Whether exactly that process still runs (a zombie does not)."""
    return (
        process is not None
        and process.started >= 0
        and process.boot == boot_id()
        and _start_time(process.pid) == process.started
    )


def trains_elsewhere(process: ProcessId, root: Path) -> bool:
    """Whether a living process is the trainer or supervisor of another run folder than `root`.

    Its command line names the folder; one that names none, or cannot be read, is not known to be another's.
    """
    try:
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
        there = Path(f"/proc/{process.pid}/cwd")
        for number, word in enumerate(words[:-1]):
            if word in _OF_A_RUN:
                return not (there / os.fsdecode(words[number + 1])).samefile(root)
    except FileNotFoundError:
        return Path(f"/proc/{process.pid}").exists()  # the folder that it was started for is not there any more
    except OSError:
        return False
    return False


_OF_A_RUN = (b"simclr_tui.train", b"simclr_tui.launch.supervisor")


def send_signal(process: ProcessId, number: signal.Signals, group: bool = False) -> bool:
    """Signal that process (or its whole group), never a stranger that was given its pid. False when it is gone.

    Raises StoreError when it belongs to another user.
    """
    if not is_alive(process):
        return False
    try:
        (os.killpg if group else os.kill)(process.pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        raise StoreError(f"process {process.pid} belongs to another user", "ask its owner to stop it") from None
    return True


def end_with_parent(number: signal.Signals, parent: int | None = None) -> None:
    """Have the kernel send this process `number` when the thread that started it ends, and so when its parent does,
    however that ends. On Linux; elsewhere nothing comes. With the parent's pid, also when it is gone by now.
    """
    import ctypes

    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, int(number))
        if parent is not None and os.getppid() != parent:
            os.kill(os.getpid(), number)


_SET_PARENT_DEATH_SIGNAL = 1  # of linux/prctl.h


@cache
def boot_id() -> str:
    """Changes with every boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return f"boot at {psutil.boot_time():.0f}"


def _start_time(pid: int) -> int:
    try:
        # The command's name, in brackets, may hold anything: fields are counted from the last one.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return -1 if fields[0] in "ZX" else int(fields[19])
    except FileNotFoundError:
        return -1 if Path("/proc/self/stat").exists() else _start_time_elsewhere(pid)
    except (OSError, IndexError, ValueError):
        return -1


def _start_time_elsewhere(pid: int) -> int:
    import psutil

    try:
        process = psutil.Process(pid)
        return -1 if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time())
    except psutil.Error:
        return -1
