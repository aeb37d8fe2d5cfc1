"""Input one event at a time: a key reaches the screen that the key before it has led to.

Textual hands a key to whatever has the focus in the moment in which it is read. What the key before it sets off (a
dialog that opens, a focus that moves, a filter that is left) takes several messages more, and on a busy machine the
next keys overtook them: of `tww` the dialog opened and `ww` was lost.
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

_ROUNDS = 4  # of messages that set off messages
_LONGEST = 5.0  # seconds for which a screen that does not come holds up the keys

Send = Callable[[Message], Awaitable[object]]


class InputGate:
    """Send events to the application in order; each waits until the one before it has been dealt with."""

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
        while not self._is_ready() and time.monotonic() < deadline:  # typed before there was anything to act on
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
        """Wait until the screen on top stands, and no widget that a key passes has a message left."""
        rounds = 0
        while self._app.is_running and rounds < _ROUNDS:
            pumps = self._pumps()
            for pump in pumps:
                await _emptied(pump)
            if pumps != self._pumps() or not self._app.screen.is_mounted:
                await asyncio.sleep(0.005)  # another screen or focus: what it does first is not over
                continue
            rounds += 1
            if not any(pump.message_queue_size for pump in pumps):
                rounds += 1

    def _pumps(self) -> list[MessagePump]:
        """What a key passes, from the application down to the focus and up again."""
        screen = self._app.screen
        focused = screen.focused
        inner = [] if focused is None else [node for node in focused.ancestors_with_self if node is not self._app]
        return [self._app, *(inner or [screen]), self._app]


async def _emptied(pump: MessagePump) -> None:
    """Wait until everything that is in a queue now has been processed; one that is closing has nothing to say."""
    passed = asyncio.get_running_loop().create_future()

    def mark() -> None:
        if not passed.done():
            passed.set_result(None)

    if pump.is_running and pump.call_later(mark):
        await passed
