"""A dialog that asks how to end a run: with a checkpoint, or at once."""

from __future__ import annotations

from typing import ClassVar, Literal

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from simclr_tui.text import safe

Way = Literal["stop", "kill"]


class StopDialog(ModalScreen[Way | None]):
    """Ask how to stop; dismissed with the chosen way, or with None. A waiting run can only be taken out of the
    queue."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "choose('')", "no"),
        Binding("y", "choose('stop')", "stop"),
        Binding("ctrl+k,K", "choose('kill')", "kill"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, run: str, waits: bool) -> None:
        super().__init__()
        self._run, self._waits = run, waits

    def compose(self) -> ComposeResult:
        question = f"Take {self._run} out of the queue?" if self._waits else f"Stop {self._run}?"
        more = "r puts it back." if self._waits else "It finishes its step, saves a checkpoint and ends; r resumes it."
        with Vertical(id="dialog"):
            yield Static(Text(safe(question), style="bold"))
            yield Static(Text(more))
            if not self._waits:
                yield Static(Text("Kill ends it at once: what it did since its last checkpoint is lost.", style="dim"))
            with Horizontal():
                yield Button("Take out (y)" if self._waits else "Stop (y)", id="stop", variant="warning", compact=True)
                if not self._waits:
                    yield Button("Kill (^k)", id="kill", variant="error", compact=True)
                yield Button("Cancel (n)", id="no", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.action_choose(event.button.id or "")

    def action_choose(self, way: str) -> None:
        match way:
            case "stop":
                self.dismiss("stop")
            case "kill" if not self._waits:
                self.dismiss("kill")
            case "kill":
                pass
            case _:
                self.dismiss(None)
