"""Textual's driver, which stops and goes on as every other job of a shell does, and leaves the terminal as it was."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import select
import signal
import termios
import time
from collections.abc import Iterator
from typing import Any, Protocol, cast

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message

from simclr_tui.tui.terminal.answers import AnswerFilter
from simclr_tui.tui.terminal.capabilities import Answers
from simclr_tui.tui.terminal.input_gate import InputGate

_READ = 4096  # bytes
_TICK = 0.05  # seconds between two looks at what is held back


class TerminalApp(Protocol):
    """What the driver has to know of the application: what its terminal has answered so far, and whether its first
    screen stands."""

    answers: Answers

    @property
    def is_ready(self) -> bool:
        """Whether a key finds something to act on."""


_TOLD = (signal.SIGTSTP, signal.SIGCONT)


class TerminalDriver(LinuxDriver):
    """Textual's own handlers stop this process alone, which a wrapper in front of it never hears of, even where no
    shell could let it go on; and they take a terminal that was never given back (SIGSTOP) for the one to restore."""

    def __init__(self, *options: Any, **more: Any) -> None:
        super().__init__(*options, **more)
        self.fileno = _opened_anew(self.fileno)
        app = cast("TerminalApp", self._app)
        self._gate = InputGate(self._app, self._app._post_message, lambda: app.is_ready)
        self._answers: Answers | None = app.answers  # None once it was made use of
        self.giving_back = False  # whether what leaves the terminal as it was is on its way
        self.given_back = True  # whether all of that was written
        self.hurry: int | None = None  # the code to end with as soon as it was
        for number in _TOLD:
            signal.signal(number, signal.SIG_DFL)

    def follow_shell(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop and go on when told to. Between two turns of the loop: a signal can come while a lock is held."""
        loop.add_signal_handler(signal.SIGTSTP, self._stop, loop)
        loop.add_signal_handler(signal.SIGCONT, self._go_on, loop)

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._away(loop):
            os.kill(0, signal.SIGTSTP)  # stops here; not at all where there is no shell to let it go on

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """After a SIGSTOP, which nobody hears: the shell has had the terminal and left it as it likes it."""
        self._wait_for_terminal()
        with self._away(loop):
            pass

    @contextlib.contextmanager
    def _away(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Give the terminal back, and take it again; the screen is drawn whole then."""
        if self.given_back:  # leaving already
            yield
            return
        for number in _TOLD:
            loop.remove_signal_handler(number)
        self.suspend_application_mode()
        yield
        self._wait_for_terminal()
        self.resume_application_mode()
        self.follow_shell(loop)
        self._app.app_resume_signal.publish(self._app)
        self._app.refresh(layout=True)

    def _wait_for_terminal(self) -> None:
        """In the background, a job that sets the terminal is stopped by the system until it is in the foreground."""
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self.fileno, termios.TCSANOW, termios.tcgetattr(self.fileno))

    def start_application_mode(self) -> None:
        self.giving_back = self.given_back = False
        super().start_application_mode()  # type: ignore[no-untyped-call]
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, self._resized)

    def _resized(self) -> None:
        """Textual tells of a size from within the signal: a second one that comes meanwhile is told of first, and what
        is drawn in the end is the older size."""
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self._app.post_message(Resize(size, size))

    def stop_application_mode(self) -> None:
        self.giving_back = True
        if self._mouse_pixels:
            self.write("\x1b[?1016l")
            self._mouse_pixels = False
        super().stop_application_mode()

    def close(self) -> None:
        super().close()
        self.given_back = True
        if self.hurry is not None:
            os._exit(self.hurry)

    def send_message(self, message: Message) -> None:
        """Send what the terminal said to the application, each after what the one before has led to."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._gate.put, message)

    def run_input_thread(self) -> None:
        """Read the terminal until the dashboard leaves it. Answers that come late are kept from being keys."""
        answers, self._answers = self._answers or Answers(whole=True), None
        filter = AnswerFilter(owed=not answers.whole)
        parser, decoder = XTermParser(), codecs.getincrementaldecoder("utf-8")("replace")

        def take(data: bytes) -> None:
            text = filter.feed(decoder.decode(data), time.monotonic())
            for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                self.process_message(event)

        take(answers.typed)
        while not self.exit_event.is_set():
            ready = select.select([self.fileno], [], [], _TICK)[0]
            take(os.read(self.fileno, _READ) if ready else b"")

    def _run_input_thread(self) -> None:
        """Reads the keys. A fault in it ends the dashboard as every other one does."""
        try:
            while not self.exit_event.is_set():
                with contextlib.suppress(BlockingIOError):
                    self.run_input_thread()
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)


def _opened_anew(terminal: int) -> int:
    """The terminal to be read without waiting, which must not be asked of the descriptor that the shell has too.

    What was typed for a shell can be gone when the thread that saw it goes on and reads: it would wait for another
    line, and whoever takes the terminal again would wait for that thread."""
    try:
        return os.open(os.ttyname(terminal), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return terminal  # no terminal, or one of another user (su)
