"""Textual's driver, with a shell's job control (stop and continue) and a terminal restored on every exit."""

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
_TICK = 0.05  # seconds between two checks of held-back input


class TerminalApp(Protocol):
    """Define the application as the driver uses it: the terminal's answers so far, and whether its first screen is
    ready."""

    answers: Answers

    @property
    def is_ready(self) -> bool:
        """Return True once a key has something to act on."""


_TOLD = (signal.SIGTSTP, signal.SIGCONT)


class TerminalDriver(LinuxDriver):
    """Stop and continue the dashboard's whole process group.

    Textual's own handlers stop this process alone, even where no shell could continue it, and a wrapper never hears of
    it; and after a SIGSTOP they take the unrestored terminal for the one to restore.
    """

    def __init__(self, *options: Any, **more: Any) -> None:
        super().__init__(*options, **more)
        self.fileno = _opened_anew(self.fileno)
        app = cast("TerminalApp", self._app)
        self._gate = InputGate(self._app, self._app._post_message, lambda: app.is_ready)
        self._answers: Answers | None = app.answers  # None once used
        self.giving_back = False  # True while the restoring sequences are being written
        self.given_back = True  # True once they are written
        self.hurry: int | None = None  # the exit code to end with as soon as they are
        for number in _TOLD:
            signal.signal(number, signal.SIG_DFL)

    def follow_shell(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop and continue on signals, between two turns of the loop: a signal can arrive while a lock is held."""
        loop.add_signal_handler(signal.SIGTSTP, self._stop, loop)
        loop.add_signal_handler(signal.SIGCONT, self._go_on, loop)

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._away(loop):
            os.kill(0, signal.SIGTSTP)  # stops here, unless there is no shell to continue it

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the terminal again after a SIGSTOP, which gives no notice: the shell has changed its settings since."""
        self._wait_for_terminal()
        with self._away(loop):
            pass

    @contextlib.contextmanager
    def _away(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Restore the terminal, then take it again and redraw the whole screen."""
        if self.given_back:  # exiting already
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
        """Wait for the foreground: the kernel stops a background job that changes the terminal."""
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self.fileno, termios.TCSANOW, termios.tcgetattr(self.fileno))

    def start_application_mode(self) -> None:
        self.giving_back = self.given_back = False
        super().start_application_mode()  # type: ignore[no-untyped-call]
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, self._resized)

    def _resized(self) -> None:
        """Post the new size from the loop.

        Textual posts it inside the signal handler: a second signal meanwhile is posted first, and the older size wins.
        """
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self._app.post_message(Resize(size, size))

    def stop_application_mode(self) -> None:
        self.giving_back = True
        if self._mouse_pixels:
            self.write("\x1b[?1016l")
            self._mouse_pixels = False
        super().stop_application_mode()

    def disable_input(self) -> None:
        """Stop reading keys, once.

        Textual calls this again after the terminal is restored, and would discard what was typed for the shell, or a
        Ctrl-C that the kernel had not yet made a signal of.
        """
        if self._key_thread is not None:
            super().disable_input()
            self._key_thread = None

    def close(self) -> None:
        super().close()
        self.given_back = True
        if self.hurry is not None:
            os._exit(self.hurry)

    def send_message(self, message: Message) -> None:
        """Send an event of the terminal to the application, after the effects of the previous one."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._gate.put, message)

    def run_input_thread(self) -> None:
        """Read the terminal until the dashboard exits. Late answers never become keys."""
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
        """Read the keys. An exception here ends the dashboard as any other does."""
        try:
            while not self.exit_event.is_set():
                with contextlib.suppress(BlockingIOError):
                    self.run_input_thread()
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)


def _opened_anew(terminal: int) -> int:
    """Open the terminal anew for non-blocking reads; the shared descriptor must stay blocking for the shell.

    Input meant for a shell can be gone by the time the thread that saw it reads: it would block for another line, and
    taking the terminal again would block on that thread.
    """
    try:
        return os.open(os.ttyname(terminal), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return terminal  # not a terminal, or another user's (su)
