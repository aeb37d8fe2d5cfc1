"""What the feed reads and the screens show: immutable, so that it can pass from thread to thread."""

from __future__ import annotations

from dataclasses import dataclass

from simclr_tui.catalog.row import Row
from simclr_tui.hardware.sample import HardwareSample
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.decimate import Axis
from simclr_tui.store.state import State


@dataclass(frozen=True)
class Request:
    """What is on the screen now, and so has to be read."""

    current: str = ""
    marked: tuple[str, ...] = ()
    tab: str = "curves"
    panels: int = 4
    page: int = 0
    columns: int = 40
    axis: Axis = "step"
    smoothing: float = 0.0
    number: int = 0

    @property
    def shown(self) -> tuple[str, ...]:
        """The runs whose curves are drawn: the marked ones, else the one under the cursor."""
        return self.marked or ((self.current,) if self.current else ())


@dataclass(frozen=True)
class Series:
    """One line of a chart; `ys` may hold NaN, where the line breaks. `raw` is drawn dimly behind it."""

    label: str
    colour: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    raw: tuple[float, ...] = ()
    last: float | None = None


@dataclass(frozen=True)
class Panel:
    """One chart: a metric, or a reading of the hardware. `ceiling` is the value the y axis reaches to at least."""

    key: str
    heading: str
    series: tuple[Series, ...]
    axis: Axis = "step"
    ceiling: float | None = None

    @property
    def empty(self) -> bool:
        return not any(series.xs for series in self.series)


@dataclass(frozen=True)
class Listing:
    """Every run of the store; `problem` says why there may be more."""

    rows: tuple[Row, ...]
    problem: str = ""


@dataclass(frozen=True)
class Machine:
    """The machine now; `title` names it."""

    title: str
    sample: HardwareSample


@dataclass(frozen=True)
class Curves:
    """One page of charts. `names` are all metrics of the shown runs."""

    names: tuple[str, ...]
    panels: tuple[Panel, ...]
    page: int
    pages: int
    damaged: int = 0


@dataclass(frozen=True)
class Hardware:
    """The charts of what the run's machine did; `title` names its GPUs."""

    run: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Log:
    """The end of the newest attempt's output, then what happened to the run in words."""

    run: str
    lines: tuple[str, ...]
    events: tuple[str, ...]


@dataclass(frozen=True)
class Detail:
    """One run, opened; `resolved` is None where the recipe cannot be read, and `problem` says why.

    `checkpoint` is the step of the newest one, `evaluations` pairs a result's name with its words.
    """

    run: str
    state: State | None
    resolved: Resolved | None
    problem: str = ""
    others: tuple[tuple[str, Resolved], ...] = ()
    checkpoint: int | None = None
    evaluations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Settled:
    """Everything that request `number` asked for has been delivered, as far as it is written."""

    number: int


Snapshot = Listing | Machine | Curves | Hardware | Log | Detail | Settled
