"""Hold the version of this package, in a file that can be read without importing anything else."""

from __future__ import annotations

__version__ = "0.2.0"
