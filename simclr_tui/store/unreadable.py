"""The exceptions raised by reading a file of the store that is missing, torn or damaged, and what they come to."""

from __future__ import annotations

import msgspec

from simclr_tui.errors import StoreError, UnansweredError, is_unanswered

# msgspec reports invalid UTF-8 and too deep nesting as Python's own errors.
DAMAGED: tuple[type[Exception], ...] = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
UNREADABLE: tuple[type[Exception], ...] = (OSError, *DAMAGED)


def refuse_unanswered(error: Exception, what: str) -> None:
    """Raise UnansweredError for an error that says nothing about the file; return for one that does."""
    if is_unanswered(error):
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise store_error(error, f"{what} cannot be read: {why}", "try again, and see simclr doctor") from None


def store_error(error: Exception, message: str, hint: str) -> StoreError:
    """Return what to raise for a file that cannot be read: UnansweredError where that says nothing about the file."""
    if is_unanswered(error):
        return UnansweredError(message, hint, may_pass=not isinstance(error, PermissionError))
    return StoreError(message, hint)
