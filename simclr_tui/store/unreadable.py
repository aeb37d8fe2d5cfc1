"""The exceptions raised by reading a JSON file of the store that is missing, torn or damaged."""

from __future__ import annotations

import msgspec

# msgspec reports invalid UTF-8 and too deep nesting as Python's own errors.
DAMAGED: tuple[type[Exception], ...] = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
UNREADABLE: tuple[type[Exception], ...] = (OSError, *DAMAGED)
