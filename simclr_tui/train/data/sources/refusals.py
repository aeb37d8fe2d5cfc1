"""Gather what is wrong with all images that are refused, so that each kind of fault is told once and at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from simclr_tui.errors import DataError
from simclr_tui.text import safe
from simclr_tui.train.data.each import Progress, for_each

Result = TypeVar("Result")

_KINDS = 6  # told one by one
_NAMES = 3  # of each kind
_NUMBER = re.compile(r"\d[\d,.]*")


class Refusal(NamedTuple):
    """Hold the name of a refused image, a sentence with this name that says why, and what to do."""

    name: str
    message: str
    hint: str

    @property
    def kind(self) -> tuple[str, str]:
        """Return what refusals for the same reason share: the sentence without the name and its figures."""
        return _NUMBER.sub("#", self.message.replace(safe(self.name), "")), self.hint


def refusal(error: DataError, name: str) -> Refusal:
    """Return a reader's refusal with the image's name in it."""
    message = error.message if safe(name) in error.message else f"{safe(name)}: {error.message}"
    return Refusal(name, message, error.hint)


def together(refused: Sequence[Refusal], *, all_known: bool = True) -> DataError:
    """Return one error for all refused images: of each kind the first one's sentence, how many more, and some names."""
    kinds: dict[tuple[str, str], list[Refusal]] = {}
    for one in refused:
        kinds.setdefault(one.kind, []).append(one)
    if len(kinds) == 1:
        return DataError(_sentence(refused, all_known), refused[0].hint)
    told = [str(DataError(_sentence(alike, all_known), alike[0].hint)) for alike in list(kinds.values())[:_KINDS]]
    more = [f"and {len(kinds) - _KINDS:,} kinds more"] if len(kinds) > _KINDS else []
    return DataError(f"images are refused for {len(kinds):,} reasons: {'; '.join([*told, *more])}")


def _sentence(alike: Sequence[Refusal], all_known: bool) -> str:
    first, *others = alike
    if not others:
        return first.message
    names = ", ".join(safe(one.name) for one in others[: _NAMES - 1]) + (", …" if len(others) >= _NAMES else "")
    return f"{first.message} (and {len(others):,} more{'' if all_known else ' at least'}: {names})"


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
