"""Store what a run's trainer measured of its data, in `data.json` beside the recipe."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.errors import SimclrError, StoreError
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.regular_file import read_small
from simclr_tui.store.unreadable import UNREADABLE, refuse_unanswered
from simclr_tui.text import safe

NAME = "data.json"


class DataFacts(msgspec.Struct, kw_only=True):
    """Describe the images of a run, as its trainer found them.

    `fingerprint` changes with the images' names, sizes, number, classes or order, but not with their location.
    `low` and `high` are the values, per channel, that are stored as 0 and as `levels`; they are empty if each image has
    its own range or 8-bit values are unchanged.
    """

    fingerprint: str
    data: str
    images: int
    test_images: int
    channels: int = 3
    channel_names: list[str] = msgspec.field(default_factory=lambda: ["red", "green", "blue"])
    levels: int = 255
    side: int = 0
    low: list[float] = msgspec.field(default_factory=list)
    high: list[float] = msgspec.field(default_factory=list)
    range_reason: str = ""
    classes: dict[str, int] = msgspec.field(default_factory=dict)
    layout: list[str] = msgspec.field(default_factory=list)
    left_out: list[str] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)
    schedule_images: int = 0
    """The number of images that the schedule was computed for, if other data was accepted later."""
    validation_images: int | None = None
    """The number of images in the data's own validation split (0: it has none); None in a run that began before such a
    split was read, and goes on with a tenth of its training images."""
    accept: bool = False
    """Set by `simclr resume --accept-data`; the next attempt accepts the data as it is, and clears this."""
    moved_to: str = ""
    """Set by `simclr resume --data`: where the same images are now."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return sentences for before training: splits and classes, channels and range, what was left out."""
        return (*self.layout, self.values, *self.notes, *self.left_out)

    @property
    def values(self) -> str:
        """Return the sentence on channels and range of values."""
        channels = f"{self.channels} channel{'s'[: self.channels != 1]} ({', '.join(self.channel_names[:8])})"
        spans = [f"{low:g} to {high:g}" for low, high in zip(self.low, self.high, strict=True)]
        shown = ", ".join(dict.fromkeys(spans[:8]))
        span = f"values from {shown} ({self.range_reason})" if spans else self.range_reason
        bits = (self.levels + 1).bit_length() - 1
        return f"{channels}, kept in {bits} bits" + (f": {span}" if span else "")

    def differences(self, other: DataFacts) -> list[str]:
        """Return how `other` differs, in words: `216 images before, 54 now`."""
        found = []
        if self.images != other.images:
            found.append(f"{self.images:,} images before, {other.images:,} now")
        if self.test_images != other.test_images:
            found.append(f"{self.test_images:,} test images before, {other.test_images:,} now")
        if self.validation_images != other.validation_images and self.validation_images is not None:
            now = other.validation_images or 0
            found.append(f"{self.validation_images:,} validation images before, {now:,} now")
        if list(self.classes) != list(other.classes):
            found.append(f"the classes were {_some(self.classes)}, and are now {_some(other.classes)}")
        elif self.classes != other.classes:
            changed = [name for name, count in self.classes.items() if other.classes[name] != count]
            found.append(f"the number of images changed in {_some(changed)}")
        if self.channels != other.channels:
            found.append(f"{self.channels} channels before, {other.channels} now")
        if (self.low, self.high) != (other.low, other.high):
            found.append("the range of values changed")
        if not found and self.fingerprint != other.fingerprint:
            found.append("the names, sizes, labels or order of the images changed")
        return found


def _some(names: object) -> str:
    listed = list(map(str, names))  # type: ignore[call-overload]
    return ", ".join(listed[:4]) + (", …" if len(listed) > 4 else "") or "none"


def read_data_facts(run: Path) -> DataFacts | None:
    """Return the facts stored in a run's folder; None if there are none, as in a run started under version 0.1.

    Raises UnansweredError where they may be there but cannot be read at the moment: other data must not pass for that.
    """
    try:
        return msgspec.json.decode(read_small(run / NAME), type=DataFacts)
    except UNREADABLE as error:
        refuse_unanswered(error, f"{NAME} of {safe(run.name)}")
        return None


def write_data_facts(run: Path, facts: DataFacts) -> None:
    """Write the facts into a run's folder. Raises OSError."""
    write_file(run / NAME, msgspec.json.format(msgspec.json.encode(facts), indent=2))


def with_data_moved(run: Path, resolved: Resolved) -> Resolved:
    """Return a run's recipe with the present location of its images, if `resume --data` gave one."""
    facts = read_data_facts(run)
    if facts is None or not facts.moved_to:
        return resolved
    return resolved.with_value("data", facts.moved_to, "resume --data")


def mark_data(run: Path, *, accept: bool = False, moved_to: str = "") -> DataFacts:
    """Record that the next attempt may accept other data, or where the images are now. Returns the facts of before.

    Raises StoreError or OSError.
    """
    facts = read_data_facts(run)
    if facts is None:
        raise StoreError(
            f"{safe(run.name)} has no {NAME}, so the data it was trained on cannot be recognised",
            "put the data back in its old place, and resume",
        )
    write_data_facts(run, msgspec.structs.replace(facts, accept=accept, moved_to=moved_to or facts.moved_to))
    return facts


@contextlib.contextmanager
def data_marked(run: Path, *, accept: bool, moved_to: str) -> Iterator[None]:
    """Mark the data for the attempt that the body begins, as `mark_data` does. Does nothing where there is no mark.

    What the body raises takes the mark back: a later attempt, which may be a queue's own, is not to accept by it.
    """
    if not accept and not moved_to:
        yield
        return
    before = mark_data(run, accept=accept, moved_to=moved_to)
    try:
        yield
    except (SimclrError, OSError):
        facts = read_data_facts(run) or before  # a trainer that had begun before may have written others
        write_data_facts(run, msgspec.structs.replace(facts, accept=before.accept, moved_to=before.moved_to))
        raise
