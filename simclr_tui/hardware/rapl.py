"""Read the energy of the CPU packages from the kernel's powercap files (RAPL), where these may be read.

Most systems let only root read them since CVE-2020-8694, and virtual machines have none: then nothing is measured.
"""

from __future__ import annotations

from pathlib import Path

_POWERCAP = Path("/sys/class/powercap")


class RaplMeter:
    """Sum the energy of all CPU packages since the meter was made. Never raises."""

    def __init__(self, root: Path = _POWERCAP) -> None:
        self._packages = [_Package(folder) for folder in _packages(root)]
        self._packages = [package for package in self._packages if package.last is not None]

    def read(self) -> float | None:
        """Return the joules so far; None where no package can be read, or one no longer can."""
        if not self._packages:
            return None
        found = [package.read() for package in self._packages]
        known = [joules for joules in found if joules is not None]
        return sum(known) if len(known) == len(found) else None


class _Package:
    """Follow the counter of one package, which starts again at 0 beyond its highest value."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._range = _integer(folder / "max_energy_range_uj") or 0
        self.last = _integer(folder / "energy_uj")
        self._sum = 0

    def read(self) -> float | None:
        now = _integer(self._folder / "energy_uj")
        if now is None or self.last is None:
            return None
        gained = now - self.last
        self._sum += gained if gained >= 0 else max(0, gained + self._range)
        self.last = now
        return self._sum * 1e-6


def _packages(root: Path) -> list[Path]:
    """Return the folders of whole packages; those of cores and memory below them would be counted twice."""
    try:
        found = sorted(path for path in root.iterdir() if path.name.startswith(("intel-rapl:", "amd-rapl:")))
        return [path for path in found if (path / "name").read_text().strip().startswith("package")]
    except OSError:
        return []


def _integer(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
