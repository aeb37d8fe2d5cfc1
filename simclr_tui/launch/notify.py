"""Notify the user through a command or a webhook of their choice, never through a shell."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

from simclr_tui.catalog.news import Event
from simclr_tui.config import Config, refuse_programs
from simclr_tui.errors import SimclrError
from simclr_tui.text import safe
from simclr_tui.version import __version__

_PATIENCE = 10.0  # seconds for the command or the webhook


def notify(config: Config, event: Event, *, waits: Sequence[float] = ()) -> None:
    """Run the command and call the webhook that the configuration names. Raises SimclrError when one fails.

    A webhook that cannot be reached is called again after each of `waits` seconds.
    """
    try:
        if config.notify:
            refuse_programs(config.notify)
            _command([_filled(word, event) for word in config.notify], event)
    finally:
        if config.webhook:
            _post(config, event, waits)


def _filled(word: str, event: Event) -> str:
    """Fill in the three names of the event; anything else in braces stays."""
    for name, value in (("run", safe(event.run)), ("event", event.event), ("message", event.message)):
        word = word.replace("{" + name + "}", value)
    return word


def _command(words: list[str], event: Event) -> None:
    """Run the command; it finds the event in its environment too, as a script of a shell must read it."""
    nowhere = subprocess.DEVNULL
    told = {"SIMCLR_RUN": safe(event.run), "SIMCLR_EVENT": event.event, "SIMCLR_MESSAGE": event.message}
    try:
        done = subprocess.run(
            words, stdin=nowhere, stdout=nowhere, stderr=nowhere, timeout=_PATIENCE, check=False,
            start_new_session=True, env=os.environ | told,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise SimclrError(f"notify did not work: {error}", "see simclr config get notify") from None
    if done.returncode:
        raise SimclrError(f"notify ended with code {done.returncode}", "see simclr config get notify")


def _post(config: Config, event: Event, waits: Sequence[float]) -> None:
    """Post the event to the webhook; no error repeats the address, which may hold a secret."""
    words = {"run": event.run, "event": event.event, "message": event.message} | {config.webhook_field: event.message}
    headers = {"Content-Type": "application/json", "User-Agent": f"simclr-tui/{__version__}"}  # Discord wants a name
    request = urllib.request.Request(config.webhook, json.dumps(words).encode(), headers, method="POST")
    for wait in (*waits, None):
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE):
                return
        except urllib.error.HTTPError as error:
            raise SimclrError(f"the webhook refused the event: {error.code} {error.reason}", _REFUSED) from None
        except (OSError, ValueError) as error:
            if wait is None:
                raise SimclrError(f"the webhook did not answer: {type(error).__name__}", "see simclr config") from None
            time.sleep(wait)


_REFUSED = "if it wants the message in another field: simclr config set webhook_field content"
