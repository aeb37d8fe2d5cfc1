"""The System tab: the load of the run's machine while it trained; without samples of one, this machine."""

from __future__ import annotations

from simclr_tui.text import safe
from simclr_tui.tui.charts.chart_tab import ChartTab
from simclr_tui.tui.feed.messages import ChartAxis, Hardware, Machine, Snapshot
from simclr_tui.tui.runs.header import machine_line
from simclr_tui.tui.view_state import Layout


class SystemTab(ChartTab):
    """Charts of GPU and host from the run's own samples, over training time."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hardware: Hardware | None = None
        self._machine = ""
        self.viewport.axis = "time"

    def _axis_of(self, layout: Layout) -> ChartAxis:
        return "time"

    def take(self, snapshot: Snapshot) -> None:
        """Show the hardware charts, and this machine while there are none."""
        if isinstance(snapshot, Hardware):
            self.show(snapshot)
        elif isinstance(snapshot, Machine):
            self._machine = f"this machine: {safe(snapshot.title)} · {machine_line(snapshot)}"
            if not self._all:
                self.draw()

    def clear(self) -> None:
        """Show no data."""
        self.show(None)

    def show(self, hardware: Hardware | None) -> None:
        self._hardware = hardware
        self.viewport.extent = hardware.extent if hardware else None
        self.draw()
        if self._panels:
            self.viewport.take_step(hardware.step if hardware else None, self._panels[0].cursor)

    def pages(self) -> int:
        return max(1, -(-len(self._all) // max(1, self.charts)))

    @property
    def _all(self) -> tuple[object, ...]:
        return self._hardware.panels if self._hardware else ()

    def draw(self) -> None:
        if self.is_mounted and self._hardware is not None:
            self.page = min(self.page, self.pages() - 1)
            first = self.page * self.charts
            self._panels = self._hardware.panels[first : first + self.charts]
        elif self._hardware is None:
            self._panels = ()
        super().draw()

    def notes(self) -> list[str]:
        if self._hardware is None or not self._hardware.panels:
            return ["no data yet", self._machine] if self._machine else []
        parts = [*super().notes()]
        if self.pages() > 1:
            parts.append(f"page {self.page + 1} of {self.pages()} [ ]")
        parts.append("while the run trained")
        if not any(panel.heading.startswith("GPU") for panel in self._hardware.panels):
            parts.append("no GPU here")
        return parts
