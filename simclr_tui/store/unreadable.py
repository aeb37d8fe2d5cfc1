"""What reading a JSON file of ours can raise when the file is missing, torn or damaged."""

from __future__ import annotations

import msgspec

# msgspec passes bad UTF-8 and nesting without end on as Python's own errors.
DAMAGED: tuple[type[Exception], ...] = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
UNREADABLE: tuple[type[Exception], ...] = (OSError, *DAMAGED)
