"""Keep what a run's trainer measured of its data, in `data.json` beside the recipe."""

from __future__ import annotations

from pathlib import Path

import msgspec

from simclr_tui.atomic import write_file

NAME = "data.json"


class DataFacts(msgspec.Struct, kw_only=True):
    """What the images of a run are, as its trainer found them.

    `fingerprint` changes with the images' names, sizes, number, classes or order, and not with where they lie.
    `low` and `high` are the values, per channel, that are stored as 0 and as `levels`; empty where each image has its
    own or 8 bits stay as they are.
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

    def differences(self, other: DataFacts) -> list[str]:
        """Return what `other` has otherwise, in words: `216 images were, 54 are`."""
        found = []
        if self.images != other.images:
            found.append(f"{self.images:,} images were, {other.images:,} are")
        if self.test_images != other.test_images:
            found.append(f"{self.test_images:,} test images were, {other.test_images:,} are")
        if list(self.classes) != list(other.classes):
            found.append(f"classes were {_some(self.classes)}, and are {_some(other.classes)}")
        elif self.classes != other.classes:
            changed = [name for name, count in self.classes.items() if other.classes[name] != count]
            found.append(f"other numbers of {_some(changed)}")
        if self.channels != other.channels:
            found.append(f"{self.channels} channels were, {other.channels} are")
        if (self.low, self.high) != (other.low, other.high):
            found.append("their range of values is another")
        if not found and self.fingerprint != other.fingerprint:
            found.append("names, sizes or order of the images differ")
        return found


def _some(names: object) -> str:
    listed = list(map(str, names))  # type: ignore[call-overload]
    return ", ".join(listed[:4]) + (", …" if len(listed) > 4 else "") or "none"


def read_data_facts(run: Path) -> DataFacts | None:
    """Return the facts kept in a run's folder; None where there are none, as in a run that 0.1 began."""
    try:
        return msgspec.json.decode((run / NAME).read_bytes(), type=DataFacts)
    except (OSError, msgspec.DecodeError):
        return None


def write_data_facts(run: Path, facts: DataFacts) -> None:
    """Write the facts into a run's folder. Raises OSError."""
    write_file(run / NAME, msgspec.json.format(msgspec.json.encode(facts), indent=2))
