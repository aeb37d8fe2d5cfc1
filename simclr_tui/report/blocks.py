"""The parts that a report is made of, whatever file it becomes. Their text is plain; each writer escapes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """Begin a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Say something in sentences."""

    text: str


@dataclass(frozen=True)
class Table:
    """Show rows under titles. `shares` has a share (0–1) for each cell to be shaded by, None for one that is not."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    shares: Sequence[Sequence[float | None]] = ()


@dataclass(frozen=True)
class Code:
    """Show lines to be typed or read as they stand."""

    text: str


@dataclass(frozen=True)
class Drawing:
    """Show a drawing, given as SVG. `about` says in words what it shows."""

    svg: str
    about: str


@dataclass(frozen=True)
class Pictures:
    """Show images in a row, each a PNG with its caption. Every `together` of them are not torn apart."""

    images: Sequence[tuple[str, bytes]]
    together: int = 1


Block = Heading | Paragraph | Table | Code | Drawing | Pictures


@dataclass(frozen=True)
class Report:
    """Hold a whole report."""

    title: str
    blocks: Sequence[Block]
