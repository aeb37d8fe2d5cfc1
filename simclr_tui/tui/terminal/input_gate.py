"""Pass input on one event at a time: a key reaches the screen that the previous key led to.

Textual hands a key to the widget with the focus at the moment of reading. The effects of the previous key (a dialog
that opens, a focus that moves, a filter that closes) take several more messages, and on a busy machine the next keys
overtook them: of `tww` the dialog opened and `ww` was lost.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.events import Key, MouseDown, MouseUp, Paste
from textual.message import Message
from textual.message_pump import MessagePump

_ROUNDS = 4  # rounds of messages that cause messages
_LONGEST = 5.0  # seconds for which a missing screen may hold up the keys

Send = Callable[[Message], Awaitable[object]]


class InputGate:
    """Queue events for the application; each waits until the previous one has been handled."""

    def __init__(self, app: App[str], send: Send, is_ready: Callable[[], bool]) -> None:
        self._app, self._send, self._is_ready = app, send, is_ready
        self._waiting: deque[Message] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, event: Message) -> None:
        """Take an event of the terminal; called on the application's loop."""
        self._waiting.append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._pass_on())

    async def _pass_on(self) -> None:
        deadline = time.monotonic() + _LONGEST
        while not self._is_ready() and time.monotonic() < deadline:  # typed before the first screen
            await asyncio.sleep(0.01)
        while self._waiting:
            event = self._waiting.popleft()
            await self._send(event)
            if isinstance(event, Key | Paste | MouseDown | MouseUp):
                try:
                    await asyncio.wait_for(self._dealt_with(), _LONGEST)
                except TimeoutError:
                    continue

    async def _dealt_with(self) -> None:
        """Wait until the top screen is ready, and no widget on a key's path has a message left."""
        rounds = 0
        while self._app.is_running and rounds < _ROUNDS:
            pumps = self._pumps()
            for pump in pumps:
                await _emptied(pump)
            if pumps != self._pumps() or not self._app.screen.is_mounted:
                await asyncio.sleep(0.005)  # another screen or focus: its first messages are pending
                continue
            rounds += 1
            if not any(pump.message_queue_size for pump in pumps):
                rounds += 1

    def _pumps(self) -> list[MessagePump]:
        """Return a key's path, from the application down to the focus and up again."""
        screen = self._app.screen
        focused = screen.focused
        inner = [] if focused is None else [node for node in focused.ancestors_with_self if node is not self._app]
        return [self._app, *(inner or [screen]), self._app]


async def _emptied(pump: MessagePump) -> None:
    """Wait until every message now in a queue has been processed; skip a queue that is closing."""
    passed = asyncio.get_running_loop().create_future()

    def mark() -> None:
        if not passed.done():
            passed.set_result(None)

    if pump.is_running and pump.call_later(mark):
        await passed
