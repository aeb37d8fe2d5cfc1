"""Write to stdout and stderr. Nothing else in `cli` does, so nothing that a terminal could act on gets past here.

This module imports nothing but the ground floor, since `simclr --help` must start fast.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
import unicodedata
from typing import TextIO

import typer

from simclr_tui.text import safe

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
_ERRORS = "simclr-nearest"
# What stands for a character that the stream's encoding lacks; other characters lose their accents or become `?`.
_NEAREST = {
    **dict(zip("●◐◌✓■✗○★", "*+o.=xo*", strict=True)),
    **dict(zip("╭╮╰╯┌┐└┘├┤┬┴┼─━│┃", "+++++++++++++--||", strict=True)),
    **dict(zip("█▓▒░▀▄▁▂▃▄▅▆▇", '##:."_.__-=+#', strict=True)),
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "·": "-",
    "×": "x",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "←": "<-",
    "▲": "^",
    "▼": "v",
    "τ": "tau",
    "ℓ": "l",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}


class PipeClosed(Exception):
    """Report that the reader of our output has gone, as `head` does: not an error."""


def prepare() -> None:
    """Make both streams accept any text in any encoding, and exist even if the caller closed them."""
    codecs.register_error(_ERRORS, _nearest)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - lives as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def write(text: str, err: bool = False, styled: bool = False) -> None:
    """Print text and a newline. Newlines stay; everything else that a terminal could act on is made visible.

    With `styled`, colours (SGR sequences, nothing else) pass too if the stream is a terminal or FORCE_COLOR is set.
    Raises PipeClosed.
    """
    stream: TextIO = sys.stderr if err else sys.stdout
    shown = _styled(text, stream.isatty() or forces_colour()) if styled else safe(text, keep_newlines=True)
    try:
        print(shown, file=stream, flush=err)
    except BrokenPipeError:
        raise PipeClosed from None


def write_json(document: str, end: str = "\n") -> None:
    """Print a JSON document, or a part of one, that is safe already and in which nothing may be replaced.

    Raises PipeClosed.
    """
    try:
        print(document, file=sys.stdout, end=end)
    except BrokenPipeError:
        raise PipeClosed from None


def confirm(question: str) -> None:
    """Ask a yes-or-no question on stderr. Raises typer.Abort unless the answer is yes."""
    typer.confirm(safe(question), abort=True, err=True)


def flush() -> None:
    """Write out what is buffered. Raises PipeClosed, or OSError if there is no room."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise PipeClosed from None


def silence() -> None:
    """Discard everything still to be written, so that the interpreter does not fail on it while exiting."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())


def forces_colour() -> bool:
    """Return whether colours are wanted in a pipe too, as before `less -R` (force-color.org)."""
    return bool(os.environ.get("FORCE_COLOR"))


def is_utf8(err: bool = False) -> bool:
    """Return whether the stream can encode any character."""
    return ((sys.stderr if err else sys.stdout).encoding or "").lower().startswith("utf")


def _styled(text: str, colours: bool) -> str:
    parts = _COLOUR.split(text)
    return "".join(
        (part if colours else "") if index % 2 else safe(part, keep_newlines=True) for index, part in enumerate(parts)
    )


def _nearest(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(_ascii, error.object[error.start : error.end])), error.end


def _ascii(char: str) -> str:
    if char in _NEAREST:
        return _NEAREST[char]
    if 0x2800 <= ord(char) <= 0x28FF:  # Braille, which charts are drawn with
        return "." if ord(char) > 0x2800 else " "
    plain = unicodedata.normalize("NFKD", char)
    return "".join(letter for letter in plain if letter.isascii()) or "?"
