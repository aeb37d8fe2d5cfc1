"""Survey the headers of all images that a run uses: their common side, format and channels, before any is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simclr_tui.errors import DataError
from simclr_tui.recipe.image_headers import Header
from simclr_tui.recipe.reading import Reading
from simclr_tui.text import safe
from simclr_tui.train.data.decode import pillow_reads
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.sources.protocol import Source, survey
from simclr_tui.train.data.sources.refusals import for_each_accepted

_KINDS = 6  # of images that differ, told one by one


@dataclass(frozen=True)
class Format:
    """Hold what images have in common that are read alike: `channels` without an alpha channel; `direct` by Pillow
    alone; `rgb` where three channels are said to be red, green and blue."""

    kind: str
    channels: int
    dtype: str
    alpha: bool = False
    pages: int = 1
    direct: bool = False
    animated: bool = False
    stored: str = ""
    rgb: bool = False

    @property
    def words(self) -> str:
        """Return the format in words: `TIFF, 5 channels of uint16`."""
        pages = f", {self.pages} pages" if self.pages > 1 else ""
        alpha = " and transparency" if self.alpha else ""
        each = f"{self.channels} channel{'s'[: self.channels != 1]} of {self.stored or self.dtype}"
        return f"{self.kind}, {each}{alpha}{pages}"


@dataclass(frozen=True)
class Survey:
    """Hold what the headers of all images say.

    side: the largest shorter side. longer: the largest longer side, 0 where every image is square. formats: the count
    and the first image of each. damaged: the images without a readable header, by name.
    """

    side: int
    formats: dict[Format, tuple[int, str]]
    damaged: tuple[str, ...] = ()
    longer: int = 0


def survey_images(source: Source, names: Sequence[str], reading: Reading, *, progress: Progress) -> Survey:
    """Read the header of every image. Raises DataError for those that cannot be read truthfully."""
    headers = for_each_accepted(
        "reading image sizes", names, lambda _, name: survey(source, name, reading.as_0_1), progress=progress
    )
    formats: dict[Format, tuple[int, str]] = {}
    side, longer, square = 1, 0, True
    for name, header in zip(names, headers, strict=True):
        if header is not None:
            side, longer = max(side, header.side), max(longer, header.width, header.height)
            square = square and header.width == header.height
            form = format_of(header)
            count, first = formats.get(form, (0, name))
            formats[form] = (count + 1, first)
    damaged = sorted(name for name, header in zip(names, headers, strict=True) if header is None)
    return Survey(side, formats, tuple(damaged), longer=0 if square else longer)


def format_of(header: Header) -> Format:
    """Return what is read alike."""
    channels = header.channels - header.alpha
    return Format(
        header.kind,
        channels,
        header.dtype,
        header.alpha,
        header.pages,
        pillow_reads(header),
        header.animated,
        header.stored,
        rgb=channels == 3 and header.colours,
    )


def are_rgb(survey: Survey, reading: Reading) -> bool:
    """Return whether three channels are red, green and blue: every image says so, or `--channels` asks for them."""
    told = reading.as_0_1 or reading.known_channels is not None
    return told or all(form.rgb for form in survey.formats if form.channels == 3)


def choose_alike(survey: Survey, reading: Reading) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return what `choose_channels` does. Raises one DataError where channels, types of value or both differ."""
    try:
        chosen = choose_channels(survey, reading)
    except DataError as error:
        try:
            check_types(survey, reading)
        except DataError as other:
            raise DataError(f"{error}; {other}") from None
        raise
    check_types(survey, reading)
    return chosen


def choose_channels(survey: Survey, reading: Reading) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the channels to read, counted from 0, and sentences about that choice.

    Raises DataError where the images differ in what they have, naming one of each.
    """
    counts = {form.channels for form in survey.formats}
    if reading.as_0_1 or not counts:
        return (0, 1, 2), ()
    listed = reading.channel_list or (range(reading.channel_count) if reading.channel_count else None)
    if listed is not None:
        _check_listed(survey, tuple(listed))
        return tuple(listed), ()
    if counts == {1, 3} and all(form.dtype == "uint8" for form in survey.formats):
        notes = ("grey images among those in colour: their one channel fills all three",)
        return (0, 1, 2), (*notes, *_colours_note(survey))
    if len(counts) > 1:
        raise DataError(
            f"the images differ in channels: {_examples(survey, lambda form: form.channels)}",
            f"give --channels {min(counts)} to read the first of each, or separate them",
        )
    return tuple(range(counts.pop())), (*_notes(survey), *_colours_note(survey))


def _check_listed(survey: Survey, listed: tuple[int, ...]) -> None:
    for form, (_, first) in survey.formats.items():
        has = form.channels + form.alpha
        if max(listed) >= has and form.channels > 1:
            raise DataError(
                f"{safe(first)} ({form.words}) has no channel {max(listed) + 1}", f"give --channels {has} or fewer"
            )


def _notes(survey: Survey) -> tuple[str, ...]:
    notes = []
    for form, (count, first) in survey.formats.items():
        images = f"{count:,} image{'s'[: count != 1]} ({safe(first)}{', …' if count > 1 else ''})"
        if form.alpha:
            notes.append(
                f"transparency of {images} is laid over white; --channels {form.channels + 1} keeps it as a channel"
            )
        if form.pages > 1:
            notes.append(f"the {form.pages} pages of {images} are read as channels")
        if form.animated:
            notes.append(f"of {images}, animated, the first frame is read")
    return tuple(notes)


def _colours_note(survey: Survey) -> tuple[str, ...]:
    """Return a sentence where images of three channels are not taken for red, green and blue."""
    first = next((first for form, (_, first) in survey.formats.items() if form.channels == 3 and not form.rgb), None)
    if first is None:
        return ()
    return (
        f"nothing in {safe(first)} says that its three channels are red, green and blue: no view changes their hue; "
        "--channels 1,2,3 says that they are",
    )


def check_types(survey: Survey, reading: Reading) -> None:
    """Raise DataError where the images differ in type of value, unless the range says what their values mean."""
    types = {form.dtype for form in survey.formats}
    if len(types) < 2 or reading.as_0_1 or reading.bounds or reading.range == "image":
        return
    if {name.removesuffix("16").removesuffix("32").removesuffix("64") for name in types} == {"float"}:
        return
    raise DataError(
        f"the images differ in bit depth: {_examples(survey, lambda form: form.dtype)}",
        "give --range LO:HI in their own values, --range image, or separate them",
    )


def _examples(survey: Survey, what: Callable[[Format], object]) -> str:
    first_of: dict[object, str] = {}
    counts: Counter[object] = Counter()
    for form, (count, first) in survey.formats.items():
        kind = what(form)
        first_of.setdefault(kind, f"{safe(first)} is {form.words}")
        counts[kind] += count
    told = [f"{words} ({counts[kind]:,} image{'s'[: counts[kind] != 1]})" for kind, words in first_of.items()]
    more = [f"and {len(told) - _KINDS:,} kinds more"] if len(told) > _KINDS else []
    return "; ".join([*told[:_KINDS], *more])
