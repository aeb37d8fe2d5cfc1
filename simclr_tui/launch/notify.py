"""Notify the user through a command or a webhook of their choice, never through a shell."""

from __future__ import annotations

import json
import subprocess
import urllib.request

from simclr_tui.catalog.news import Event
from simclr_tui.config import Config
from simclr_tui.errors import SimclrError
from simclr_tui.text import safe

_PATIENCE = 10.0  # seconds for the command or the webhook


def notify(config: Config, event: Event) -> None:
    """Run the command and call the webhook that the configuration names. Raises SimclrError when one fails."""
    if config.notify:
        _command([_filled(word, event) for word in config.notify])
    if config.webhook:
        _post(config.webhook, event)


def _filled(word: str, event: Event) -> str:
    """Fill in the three names of the event; anything else in braces stays."""
    for name, value in (("run", safe(event.run)), ("event", event.event), ("message", event.message)):
        word = word.replace("{" + name + "}", value)
    return word


def _command(words: list[str]) -> None:
    nowhere = subprocess.DEVNULL
    try:
        done = subprocess.run(
            words, stdin=nowhere, stdout=nowhere, stderr=nowhere, timeout=_PATIENCE, check=False, start_new_session=True
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise SimclrError(f"notify did not work: {error}", "see simclr config get notify") from None
    if done.returncode:
        raise SimclrError(f"notify ended with code {done.returncode}", "see simclr config get notify")


def _post(address: str, event: Event) -> None:
    """Post the event to the webhook; no error repeats the address, which may hold a secret."""
    body = json.dumps({"run": event.run, "event": event.event, "message": event.message, "text": event.message})
    request = urllib.request.Request(address, body.encode(), {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE):
            pass
    except (OSError, ValueError) as error:
        raise SimclrError(f"the webhook did not answer: {type(error).__name__}", "see simclr config") from None
