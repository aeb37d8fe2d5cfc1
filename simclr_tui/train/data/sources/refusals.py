"""Ask something of many images, and refuse at once all those that cannot be accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from simclr_tui.errors import DataError
from simclr_tui.recipe.refusals import Refusal, refusal, together
from simclr_tui.train.data.each import Progress, for_each

Result = TypeVar("Result")


def for_each_accepted(
    what: str, names: Sequence[str], task: Callable[[int, str], Result], *, progress: Progress, most: int = 1_000_000
) -> list[Result | None]:
    """Return what `for_each` does; but where `task` refuses images, raise one DataError that tells of all of them.

    After `most` refusals the others are not waited for.
    """
    refused: dict[int, Refusal] = {}

    def accepted(index: int, name: str) -> Result | None:
        try:
            return task(index, name)
        except DataError as error:
            refused[index] = refusal(error, name)
            if len(refused) < most:
                return None
            raise together(_in_order(refused), all_known=False) from None

    found = for_each(what, names, accepted, progress=progress)
    if refused:
        raise together(_in_order(refused))
    return found


def _in_order(refused: dict[int, Refusal]) -> list[Refusal]:
    return [one for _, one in sorted(refused.copy().items())]
