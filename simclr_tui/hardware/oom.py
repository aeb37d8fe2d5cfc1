"""Whether it was the kernel that ended a process for lack of memory: a SIGKILL does not tell who sent it."""

from __future__ import annotations

import contextlib
from collections import deque
from pathlib import Path

_REMEMBERED = 10  # readings: the kernel counts a kill before it sends it, and a large process takes seconds to end


class OomWatch:
    """Watches the kernel's count of such kills where the process `pid` lives: its control group, else the machine.

    A container or a Slurm job has a group of its own, and so a limit of its own. Never raises.
    """

    def __init__(self, pid: int, proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> None:
        self._source = _source(pid, proc, groups)
        self._counts = deque([self._read()], maxlen=_REMEMBERED)

    def look(self) -> None:
        """Remember the count of now; to be called about once a second."""
        self._counts.append(self._read())

    def killed(self) -> bool:
        """Whether the kernel has ended a process there since the oldest count that is remembered."""
        before, now = self._counts[0], self._read()
        return before is not None and now is not None and now > before

    def _read(self) -> int | None:
        """`oom_kill N` is how all three files have it."""
        if self._source is None:
            return None
        with contextlib.suppress(OSError, ValueError):
            for line in self._source.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
        return None


def _source(pid: int, proc: Path, groups: Path) -> Path | None:
    """The file that counts: of the group's second version or first, of a container's root, or of the machine."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in (proc / str(pid) / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            # Inside a container the path may be that of the host, where only the root is to be seen.
            homes = [path.strip("/"), ""]
            if not controllers:
                found += [groups / home / "memory.events" for home in homes]
            elif "memory" in controllers.split(","):
                found += [groups / "memory" / home / "memory.oom_control" for home in homes]
    return next((file for file in (*found, proc / "vmstat") if file.is_file()), None)
