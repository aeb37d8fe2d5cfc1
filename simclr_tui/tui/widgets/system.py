"""The System tab: what the run's machine did while it trained."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from simclr_tui.tui.snapshots import Hardware
from simclr_tui.tui.widgets.panels import Panels


class SystemView(Vertical):
    """Charts of GPU and host from the run's own samples."""

    def compose(self) -> ComposeResult:
        yield Static("no data yet", id="system-note")
        yield Panels()

    @property
    def chart_columns(self) -> int:
        panels = self.query_one(Panels)
        return max(8, panels.size.width // panels.shape[0])

    def show(self, hardware: Hardware | None) -> None:
        panels = hardware.panels if hardware else ()
        panels = tuple(panel for panel in panels if not panel.empty)
        note = self.query_one("#system-note", Static)
        has_gpu = any(panel.heading.startswith("GPU") for panel in panels)
        words = "while the run trained" if has_gpu else "while the run trained · no GPU here"
        note.update(words if panels else "no data yet")
        self.query_one(Panels).show(panels)
