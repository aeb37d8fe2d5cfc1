"""Read a run's hardware samples for the charts of the System tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simclr_tui.hardware.log import HardwareLog
from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.paths import RunPaths
from simclr_tui.text import safe
from simclr_tui.tui.feed.curve_page import Memory
from simclr_tui.tui.feed.curve_reader import CurveReader
from simclr_tui.tui.feed.messages import ChartAxis, Hardware, Panel, Request, Series
from simclr_tui.tui.feed.metric_view import HARDWARE, HOST_MEMORY, RAM_OF_EACH_RUN
from simclr_tui.tui.feed.window import Span

_BLUE, _ORANGE = "#3b8eea", "#e5883b"
_GB = 1e-9


class _Line(NamedTuple):
    """Hold a line of a hardware chart: its label, its reading and the factor of its unit."""

    label: str
    reading: str
    scale: float = 1.0


_MEMORY = (_Line("machine", "ram_used", _GB), _Line("run", "process_rss", _GB))


class MachineReader:
    """Tail the hardware samples of a run, and take the wait for data from its metrics."""

    def __init__(self, name: str, paths: RunPaths, curves: CurveReader) -> None:
        self.name = name
        self._log = HardwareLog(paths)
        self._grown = False  # True if there is something that `poll` has not reported
        self._curves = curves

    def poll(self, budget: int) -> bool:
        """Read what is new within the budget. Returns True when something was read."""
        grown, self._grown = self._log.poll() or self._grown, False
        return self._curves.poll(budget) or grown

    def latest(self) -> HardwareSample | None:
        """Return the newest sample read so far."""
        self._grown = self._log.poll() or self._grown
        return self._log.latest

    @property
    def has_gpu(self) -> bool | None:
        """Return whether the run's machine has a GPU; None before its first sample."""
        latest = self.latest()
        return None if latest is None else bool(latest.gpus)

    def memory_line(self, line: _Line, request: Request, span: Span | None, *, colour: str) -> Series:
        """Return a reading of the host's memory over the axis of the curves."""
        axis, within = request.axis, self._moments(request.axis, span)
        moments, values = self._log.points(line.reading, request.columns, within)
        found = [
            (self._curves.place_at(axis, at), value * line.scale) for at, value in zip(moments, values, strict=True)
        ]
        known = [(x, y) for x, y in found if x is not None]
        last, at = self._log.last(line.reading), None
        moment = None if request.cursor is None else self._curves.moment_of(axis, request.cursor)
        if moment is not None:
            at = self._log.value_at(line.reading, moment)
        return Series(
            line.label, colour, tuple(x for x, _ in known), tuple(y for _, y in known),
            last=None if last is None else last * line.scale, at=None if at is None else at * line.scale,
        )  # fmt: skip

    def _moments(self, axis: ChartAxis, span: Span | None) -> Span | None:
        """Return a range of x as seconds of training; None where that is unknown."""
        low, high = (self._curves.moment_of(axis, x) for x in span) if span else (None, None)
        return (low, high) if low is not None and high is not None else None

    @property
    def behind(self) -> bool:
        """Return True if there is more to read."""
        return self._log.behind or self._curves.behind

    def read(self, request: Request) -> Hardware:
        """Return every chart, over the requested range of training time."""
        extent = self._extent()
        if extent is None:
            return Hardware(self.name, ())
        span = request.window.span(extent)
        waited = self._curves.series("data_wait", _over_time(request), span)
        panels = [self._panel(*one, request=request, span=span) for one in self._charts()]
        if waited.xs:
            share = Series("", _BLUE, waited.xs, waited.ys, last=waited.last, at=waited.at)
            heading = "waiting for data %"
            panels.append(Panel(HARDWARE + heading, heading, (share,), "time", 100.0, span, request.cursor))
        step = None if request.cursor is None else self._curves.step_at("time", request.cursor)
        return Hardware(self.name, tuple(panel for panel in panels if panel.series), extent, step)

    def _extent(self) -> Span | None:
        """Return the range from the first to the last sample or step."""
        trained = self._curves.extent("time")
        known = [*(trained or ()), *((self._log.time[0], self._log.time[-1]) if self._log.time else ())]
        return (min(known), max(known)) if known else None

    def _charts(self) -> list[tuple[str, tuple[_Line, ...], float | None]]:
        """Return the heading, lines and ceiling of each chart: every GPU, then the host."""
        latest = self._log.latest
        if latest is None:
            return []
        charts = [chart for gpu in latest.gpus for chart in _gpu_charts(gpu, len(latest.gpus) > 1)]
        return charts + _host_charts(latest)

    def _panel(
        self, heading: str, lines: tuple[_Line, ...], ceiling: float | None, *, request: Request, span: Span
    ) -> Panel:
        found: list[Series] = []
        for line, colour in zip(lines, (_BLUE, _ORANGE), strict=False):
            xs, ys = self._log.points(line.reading, request.columns, span)
            values = tuple(y * line.scale for y in ys)
            if any(y == y for y in values):
                at = None if request.cursor is None else self._log.value_at(line.reading, request.cursor)
                last = self._log.last(line.reading)
                shown, latest = (None if value is None else value * line.scale for value in (at, last))
                found.append(Series(line.label, colour, tuple(xs), values, last=latest, at=shown))
        total = ((ceiling, "total"),) if ceiling is not None and heading.endswith("GB") else ()
        return Panel(
            HARDWARE + heading, heading, tuple(found), "time", ceiling, span, request.cursor,
            references=total, whole=request.window.whole, initials=len(lines) > 1, sparse=False,
        )  # fmt: skip


def host_memory(machines: Sequence[MachineReader]) -> Memory | None:
    """Return what draws the host's memory over the curves' axis; None where a run has a GPU, or no samples are known.

    One run is drawn within its machine's memory, several by their own memory alone.
    """
    if {machine.has_gpu for machine in machines} - {None} != {False}:
        return None

    def draw(request: Request, span: Span | None, colours: Sequence[str]) -> Panel:
        alone = len(machines) == 1
        latest = machines[0].latest() if alone else None
        total = latest.ram_total * _GB if latest is not None and latest.ram_total else 0.0
        if alone:
            lines = [(machines[0], line, colour) for line, colour in zip(_MEMORY, (_BLUE, _ORANGE), strict=True)]
        else:
            own = [_MEMORY[1]._replace(label=safe(machine.name)) for machine in machines]
            lines = list(zip(machines, own, colours, strict=True))
        return Panel(
            HOST_MEMORY,
            HOST_MEMORY.removeprefix(HARDWARE) if alone else RAM_OF_EACH_RUN,
            tuple(machine.memory_line(line, request, span, colour=colour) for machine, line, colour in lines),
            request.axis,
            total,
            span,
            request.cursor,
            references=((total, "total"),) if total else (),
            whole=request.window.whole,
            initials=alone,
            sparse=False,
        )

    return draw


def _gpu_charts(gpu: GpuSample, several: bool) -> list[tuple[str, tuple[_Line, ...], float | None]]:
    title, key = f"GPU {gpu.index} " if several else "GPU ", f"gpu{gpu.index}"
    total = None if gpu.memory_total is None else gpu.memory_total * _GB
    memory = (_Line("device", f"{key}.memory_used", _GB), _Line("run", f"{key}.process_memory", _GB))
    return [
        (f"{title}memory GB", memory, total),
        (f"{title}utilisation %", (_Line("", f"{key}.utilization", 100.0),), 100.0),
        (f"{title}temperature °C", (_Line("", f"{key}.temperature"),), None),
        (f"{title}power W", (_Line("", f"{key}.power"),), gpu.power_limit),
    ]


def _host_charts(latest: HardwareSample) -> list[tuple[str, tuple[_Line, ...], float | None]]:
    ram = None if latest.ram_total is None else latest.ram_total * _GB
    return [
        ("CPU, all cores %", (_Line("", "cpu", 100.0),), 100.0),
        ("RAM GB", _MEMORY, ram),
        ("CPU cores of this run", (_Line("", "process_cpu"),), None),
        ("disk free GB", (_Line("", "disk_free", _GB),), None),
    ]


def _over_time(request: Request) -> Request:
    """Return the request over training time instead of its own axis."""
    return Request(columns=request.columns, axis="time", cursor=request.cursor)
