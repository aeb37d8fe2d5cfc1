"""Redraw one line at the bottom of the terminal, with a progress bar; the one place where rich draws live."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from simclr_tui.text import safe

_LEAST, _MOST = 5, 24  # columns of the bar


class LiveLine:
    """Show one line on stderr while in its context; it disappears at the end."""

    def __init__(self) -> None:
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live = Live(console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> LiveLine:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    @property
    def width(self) -> int:
        """Return the columns of the terminal."""
        return self._live.console.width

    def update(self, line: str, progress: float) -> None:
        """Show the line, with a bar of `progress` (0–1) before it if there is room."""
        text = Text(safe(line), no_wrap=True, overflow="ellipsis")
        room = min(_MOST, self.width - len(text) - 2)
        if room < _LEAST:
            self._live.update(text)
            return
        grid = Table.grid(padding=(0, 1))
        grid.add_row(ProgressBar(total=1.0, completed=progress, width=room), text)
        self._live.update(grid)

    def say(self, line: str) -> None:
        """Print a line that stays, above the live one."""
        self._live.console.print(Text(safe(line)))
