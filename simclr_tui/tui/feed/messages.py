"""Messages from the feed to the screens: immutable, so that they can pass between threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simclr_tui.catalog.row import Row
from simclr_tui.display.colours import colours_of
from simclr_tui.hardware.sample import HardwareSample
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.metrics.downsample import Axis
from simclr_tui.store.state import State
from simclr_tui.tui.feed.window import WHOLE, Span, Window

ChartAxis = Axis | Literal["wall"]


@dataclass(frozen=True)
class Request:
    """Name the data that the screen needs now.

    `cursor` is a place on the x axis, `smoothing` the share of the values in view over which curves are averaged,
    `pattern` filters the metrics.
    """

    current: str = ""
    marked: tuple[str, ...] = ()
    tab: str = "curves"
    panels: int = 4
    page: int = 0
    columns: int = 40
    axis: ChartAxis = "step"
    smoothing: float = 0.0
    window: Window = WHOLE
    cursor: float | None = None
    pattern: str = ""
    number: int = 0

    @property
    def shown(self) -> tuple[str, ...]:
        """Return the runs whose curves are drawn: the marked ones, else the one under the cursor."""
        return self.marked or ((self.current,) if self.current else ())


@dataclass(frozen=True)
class Series:
    """Hold one line of a chart; `ys` may hold NaN, where the line breaks. `raw`, over `raw_xs`, is drawn dimly
    behind it.

    `last` is the newest value, `at` the one at the cursor, `best` the best one with its x.
    """

    label: str
    colour: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    raw_xs: tuple[float, ...] = ()
    raw: tuple[float, ...] = ()
    last: float | None = None
    at: float | None = None
    best: tuple[float, float] | None = None


@dataclass(frozen=True)
class Panel:
    """Hold one chart: a metric, or a reading of the hardware. The y axis reaches at least to `ceiling`.

    Without a `span` the x axis reaches from the first point to the last. `references` are values with their names,
    drawn as dashed lines; while the `whole` range of x is shown, the y axis reaches to them. The lines carry the
    `initials` of their labels, else a, b, c …; with `sparse`, points are drawn too where they are few.
    """

    key: str
    heading: str
    series: tuple[Series, ...]
    axis: ChartAxis = "step"
    ceiling: float | None = None
    span: Span | None = None
    cursor: float | None = None
    references: tuple[tuple[float, str], ...] = ()
    whole: bool = True
    initials: bool = False
    sparse: bool = True

    @property
    def empty(self) -> bool:
        return not any(series.xs for series in self.series)


@dataclass(frozen=True)
class Listing:
    """Every run of the store; `problem` says why some may be missing.

    `paused` says why the queue starts nothing; `reasons`, what a queued run waits for besides its turn; `indexing` is
    True while a store that nobody indexed is read, a part at a time.
    """

    rows: tuple[Row, ...]
    problem: str = ""
    paused: str = ""
    reasons: tuple[tuple[str, str], ...] = ()
    indexing: bool = False


@dataclass(frozen=True)
class Machine:
    """Hold the machine's current load; `title` names the machine."""

    title: str
    sample: HardwareSample


@dataclass(frozen=True)
class Curves:
    """Hold one page of charts.

    `names` are the metrics of the shown runs that pass the filter, `unwanted` counts the others; `extent` is the whole
    x range, `step` the step at the cursor, `ends` the x at which a run that still trains will end.
    """

    names: tuple[str, ...]
    panels: tuple[Panel, ...]
    page: int
    pages: int
    damaged: int = 0
    unwanted: int = 0
    extent: Span | None = None
    step: int | None = None
    ends: float | None = None


@dataclass(frozen=True)
class Hardware:
    """Hold the charts of the run's hardware samples."""

    run: str
    panels: tuple[Panel, ...]
    extent: Span | None = None
    step: int | None = None


@dataclass(frozen=True)
class Log:
    """Hold the end of the newest attempt's output, then the run's events in words."""

    run: str
    lines: tuple[str, ...]
    events: tuple[str, ...]


@dataclass(frozen=True)
class Detail:
    """Hold one run, opened; `resolved` is None where the recipe cannot be read, and `problem` says why.

    `marked` are all marked runs, in their order, `others` the recipes of those that are not this run; `unreadable` says
    of which none can be read, and why.
    `checkpoint` is the step of the newest one, `evaluations` pairs a result's name with its words; `sample` is the
    newest of the run's machine, `knn_before` an earlier value of kNN and the epochs since then.
    """

    run: str
    state: State | None
    resolved: Resolved | None
    problem: str = ""
    others: tuple[tuple[str, Resolved], ...] = ()
    checkpoint: int | None = None
    evaluations: tuple[tuple[str, str], ...] = ()
    sample: HardwareSample | None = None
    knn_before: tuple[float, float] | None = None
    marked: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()

    @property
    def colours(self) -> dict[str, str]:
        """Return the colours of the marked runs and of this one, as the list and the charts show them."""
        return colours_of(tuple(dict.fromkeys((*self.marked, self.run))))


@dataclass(frozen=True)
class Settled:
    """Mark the end of the answer to request `number`: everything written so far has been delivered."""

    number: int


Snapshot = Listing | Machine | Curves | Hardware | Log | Detail | Settled
