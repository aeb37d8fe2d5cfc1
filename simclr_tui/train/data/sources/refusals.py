"""Ask something of many images, and refuse at once all those that cannot be accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from simclr_tui.errors import DataError
from simclr_tui.recipe.refusals import Refusal, refusal, together
from simclr_tui.train.data.each import Progress, for_each

Result = TypeVar("Result")


@dataclass
class Refused:
    """Hold the images that are refused so far; `all_known` is False once others were not waited for."""

    found: list[Refusal] = field(default_factory=list)
    all_known: bool = True

    def check(self) -> None:
        """Raise one DataError that tells of all refused images, if there are any."""
        if self.found:
            raise together(self.found, all_known=self.all_known)


class _Enough(Exception):
    """Stop asking: as many images are refused as are told."""


def for_each_accepted(
    what: str, names: Sequence[str], task: Callable[[int, str], Result], *, progress: Progress, most: int = 1_000_000,
    refused: Refused | None = None,
) -> list[Result | None]:  # fmt: skip
    """Return what `for_each` does; but where `task` refuses images, raise one DataError that tells of all of them.

    After `most` refusals the others are not waited for. With `refused` they are noted there, and nothing is raised: the
    caller asks of other images before it refuses them all.
    """
    own: dict[int, Refusal] = {}
    together_with = refused or Refused()

    def accepted(index: int, name: str) -> Result | None:
        try:
            return task(index, name)
        except DataError as error:
            own[index] = refusal(error, name)
            if len(own) < most:
                return None
            raise _Enough from None

    try:
        found = for_each(what, names, accepted, progress=progress)
    except _Enough:
        found = []
        together_with.all_known = False
    together_with.found += [one for _, one in sorted(own.copy().items())]
    if refused is None:
        together_with.check()
    return found
