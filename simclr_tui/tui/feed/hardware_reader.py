"""Read a run's hardware samples for the charts of the System tab."""

from __future__ import annotations

from typing import NamedTuple

from simclr_tui.hardware.log import HardwareLog
from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.paths import RunPaths
from simclr_tui.tui.feed.curve_reader import CurveReader
from simclr_tui.tui.feed.messages import Hardware, Panel, Request, Series
from simclr_tui.tui.feed.metric_view import HARDWARE
from simclr_tui.tui.feed.window import Span

_BLUE, _ORANGE = "#3b8eea", "#e5883b"
_GB = 1e-9


class _Line(NamedTuple):
    """A line of a hardware chart: its label, its reading and the factor of its unit."""

    label: str
    reading: str
    scale: float = 1.0


class MachineReader:
    """A reader that tails the hardware samples of a run, and takes the wait for data from its metrics."""

    def __init__(self, name: str, paths: RunPaths, curves: CurveReader) -> None:
        self._name = name
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
    def behind(self) -> bool:
        """Return True if there is more to read."""
        return self._log.behind or self._curves.behind

    def read(self, request: Request) -> Hardware:
        """Return every chart, over the requested range of training time."""
        extent = self._extent()
        if extent is None:
            return Hardware(self._name, ())
        span = request.window.span(extent)
        waited = self._curves.series("data_wait", _over_time(request), span)
        panels = [self._panel(*one, request=request, span=span) for one in self._charts()]
        if waited.xs:
            share = Series("", _BLUE, waited.xs, waited.ys, last=waited.last, at=waited.at)
            heading = "waiting for data %"
            panels.append(Panel(HARDWARE + heading, heading, (share,), "time", 100.0, span, request.cursor))
        step = None if request.cursor is None else self._curves.step_at("time", request.cursor)
        return Hardware(self._name, tuple(panel for panel in panels if panel.series), extent, step)

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
                last = self._log.columns[line.reading].values[-1] * line.scale
                shown = None if at is None else at * line.scale
                found.append(Series(line.label, colour, tuple(xs), values, last=last, at=shown))
        total = ((ceiling, "total"),) if ceiling is not None and heading.endswith("GB") else ()
        return Panel(
            HARDWARE + heading, heading, tuple(found), "time", ceiling, span, request.cursor,
            references=total, whole=request.window.whole, initials=len(lines) > 1, sparse=False,
        )  # fmt: skip


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
        ("RAM GB", (_Line("machine", "ram_used", _GB), _Line("run", "process_rss", _GB)), ram),
        ("CPU cores of this run", (_Line("", "process_cpu"),), None),
        ("disk free GB", (_Line("", "disk_free", _GB),), None),
    ]


def _over_time(request: Request) -> Request:
    """Return the request over training time instead of its own axis."""
    return Request(columns=request.columns, axis="time", cursor=request.cursor)
