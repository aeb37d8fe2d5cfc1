"""The version of this package, alone in a file that nothing else needs to be imported for."""

from __future__ import annotations

__version__ = "0.1.0"
