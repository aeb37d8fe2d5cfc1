"""Tell what is wrong with many images or rows in one error: each kind of trouble once, with its count and names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from simclr_tui.errors import DataError
from simclr_tui.text import safe

_KINDS = 6  # told one by one
_NAMES = 3  # of each kind
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBER = re.compile(r"\d[\d,.]*")


class Refusal(NamedTuple):
    """Hold the name of a refused image or row, a sentence with this name that says why, and what to do."""

    name: str
    message: str
    hint: str

    @property
    def kind(self) -> tuple[str, str]:
        """Return what refusals for the same reason share: the sentence without the name, its figures and quotes."""
        without = _QUOTED.sub("''", self.message.replace(safe(self.name), ""))
        return _NUMBER.sub("#", without), self.hint


def refusal(error: DataError, name: str) -> Refusal:
    """Return a reader's refusal with the image's name in it."""
    message = error.message if safe(name) in error.message else f"{safe(name)}: {error.message}"
    return Refusal(name, message, error.hint)


def together(refused: Sequence[Refusal], *, all_known: bool = True) -> DataError:
    """Return one error for all refused images: of each kind the first one's sentence, how many more, and some names."""
    return joined(by_kind(refused, all_known=all_known), "images are refused")


def by_kind(refused: Sequence[Refusal], *, all_known: bool = True) -> list[DataError]:
    """Return an error for each kind of refusal, in the order of the first of each."""
    kinds: dict[tuple[str, str], list[Refusal]] = {}
    for one in refused:
        kinds.setdefault(one.kind, []).append(one)
    return [DataError(_sentence(alike, all_known), alike[0].hint) for alike in kinds.values()]


def joined(errors: Sequence[DataError], what: str) -> DataError:
    """Return one error that tells of all these: itself, if it is one alone. `what` says what they refuse."""
    if len(errors) == 1:
        return errors[0]
    told = [str(error) for error in errors[:_KINDS]]
    more = [f"and {len(errors) - _KINDS:,} kinds more"] if len(errors) > _KINDS else []
    return DataError(f"{what} for {len(errors):,} reasons: {'; '.join([*told, *more])}")


def _sentence(alike: Sequence[Refusal], all_known: bool) -> str:
    first, *others = alike
    if not others:
        return first.message
    names = ", ".join(safe(one.name) for one in others[: _NAMES - 1]) + (", …" if len(others) >= _NAMES else "")
    return f"{first.message} (and {len(others):,} more{'' if all_known else ' at least'}: {names})"
