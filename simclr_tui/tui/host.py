"""The protocol through which a pane, a tab or a command uses the application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from textual.screen import Screen

from simclr_tui.errors import SimclrError
from simclr_tui.store.store import Store
from simclr_tui.tui.feed.messages import Request
from simclr_tui.tui.jobs import Jobs, Work
from simclr_tui.tui.terminal.image_protocol import Drawer


class FeedPort(Protocol):
    """Define the thread that reads the store, as its users see it."""

    def ask(self, request: Request) -> None:
        """Set what is on screen now."""

    def refresh(self) -> None:
        """Read the store at once, after it was changed."""


class Host(Protocol):
    """Define the application as its parts see it. Nothing below `app.py` imports the application itself."""

    store: Store
    readonly: bool
    pixels: Drawer | None
    jobs: Jobs

    @property
    def reader(self) -> FeedPort:
        """Return the thread that reads the store."""

    def tell(self, words: str, seconds: float = 4) -> None:
        """Show a notice that disappears by itself."""

    def tell_error(self, error: SimclrError) -> None:
        """Show what went wrong and what to do, for long enough to read."""

    def do(self, work: Callable[[], object], done: str, then: Callable[[], object] | None = None) -> None:
        """Run `work` off the screen's thread; show `done` or the error, and after a success call `then`."""

    def begin(self, title: str, work: Work) -> None:
        """Start long work in a process that ends with the dashboard; show its result."""

    def in_thread(self, work: Callable[[], object], group: str) -> None:
        """Run `work`, which reports its own errors, off the screen's thread."""

    def call_later(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Call something on the screen's thread; may be called from any thread."""

    def show(self, screen: Screen[Any], answered: Callable[[Any], None] | None = None) -> None:
        """Put a screen on top; `answered` gets what it is dismissed with."""
