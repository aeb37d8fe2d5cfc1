"""Do something for each of many images in threads, with progress."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from simclr_tui.errors import DataError
from simclr_tui.limits import usable_cores
from simclr_tui.text import safe

_CHUNK = 64  # images a task
_NO_ANSWER = {
    errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ETIMEDOUT, errno.ENOTCONN, errno.EREMOTEIO,
    errno.EHOSTDOWN, errno.EHOSTUNREACH,
}  # fmt: skip
Progress: TypeAlias = Callable[[str, int, int], None]
"""progress(what, done, total), called from the thread that opens the data."""
Result = TypeVar("Result")


def for_each(
    what: str, names: Sequence[str], task: Callable[[int, str], Result], *, progress: Progress
) -> list[Result | None]:
    """Return task(index, name) for each image, None where it raised: decoders raise all sorts of things for damage.

    In threads, since decoders let go of the interpreter. Raises the first DataError that a task raised, and one for an
    image that a disk or a limit kept from being read: it is not damaged, and must not be replaced in a cache for good.
    """

    def some(start: int) -> list[Result | None]:
        return [_quietly(task, i, names[i]) for i in range(start, min(start + _CHUNK, len(names)))]

    results: list[Result | None] = []
    with ThreadPoolExecutor(usable_cores()) as pool:
        try:
            for part in pool.map(some, range(0, len(names), _CHUNK)):
                results += part
                progress(what, len(results), len(names))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return results


def _quietly(task: Callable[[int, str], Result], index: int, name: str) -> Result | None:
    try:
        return task(index, name)
    except DataError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ANSWER:
            raise DataError(
                f"{safe(name)} cannot be read: {error.strerror}",
                "look at its disk and try again; if it stays unreadable, delete the image",
            ) from None
        return None
