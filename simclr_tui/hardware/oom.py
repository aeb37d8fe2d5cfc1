"""Detect whether the kernel's OOM killer ended a process: SIGKILL itself does not say who sent it."""

from __future__ import annotations

import contextlib
from collections import deque
from pathlib import Path

_REMEMBERED = 10  # readings: the kernel counts a kill before sending it, and a large process takes seconds to die


class OomWatch:
    """Watch the kernel's count of OOM kills in the control group of process `pid`, or else on the machine.

    A container or a Slurm job has its own group, and so its own limit. Never raises.
    """

    def __init__(self, pid: int, proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> None:
        self._source = _source(pid, proc, groups)
        self._counts = deque([self._read()], maxlen=_REMEMBERED)

    def look(self) -> None:
        """Record the current count; call this about once a second."""
        self._counts.append(self._read())

    def killed(self) -> bool:
        """Return whether the kernel has killed a process there since the oldest recorded count."""
        before, now = self._counts[0], self._read()
        return before is not None and now is not None and now > before

    def _read(self) -> int | None:
        if self._source is None:
            return None
        with contextlib.suppress(OSError, ValueError):
            for line in self._source.read_text().splitlines():  # all three kinds of file hold a line `oom_kill N`
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
        return None


def _source(pid: int, proc: Path, groups: Path) -> Path | None:
    """Return the file that counts: of cgroup v2 or v1, of a container's root, or of the whole machine."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in (proc / str(pid) / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            # Inside a container the path may be the host's, of which only the root is visible.
            homes = [path.strip("/"), ""]
            if not controllers:
                found += [groups / home / "memory.events" for home in homes]
            elif "memory" in controllers.split(","):
                found += [groups / "memory" / home / "memory.oom_control" for home in homes]
    return next((file for file in (*found, proc / "vmstat") if file.is_file()), None)
