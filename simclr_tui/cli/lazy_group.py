"""Group all commands without importing any until it is used, and draw the help page without rich.

Typer alone takes half of the delay that a person notices; the command modules and rich would take the other half.
"""

from __future__ import annotations

import importlib
import os
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import typer
from typer.core import TyperGroup

from simclr_tui.cli import streams
from simclr_tui.cli.verbs import VERBS, Verb


class _Commands(Mapping[str, Any]):
    """Map names to commands, each built when it is first requested."""

    def __getitem__(self, name: str) -> Any:
        return _load(VERBS[name])

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


def _load(verb: Verb) -> Any:
    module, _, name = verb.target.partition(":")
    found = getattr(importlib.import_module(f"simclr_tui.cli.commands.{module}"), name)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(verb.name)(found)
        command = typer.main.get_command(alone)
    command.name = verb.name
    _let_paragraphs_flow(command)
    return command


def _let_paragraphs_flow(command: Any) -> None:
    """Join the lines of each paragraph of a help page: Typer would break them where the source does."""
    if command.help:
        command.help = "\n\n".join(" ".join(part.split()) for part in command.help.split("\n\n"))
    for inner in getattr(command, "commands", {}).values():
        _let_paragraphs_flow(inner)


class VerbGroup(TyperGroup):
    """Implement `simclr` itself."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help page in the style of Typer's own pages."""
        width = max(40, shutil.get_terminal_size().columns)
        options = [
            (", ".join(sorted(option.opts, key=len, reverse=True)), getattr(option, "help", "") or "")
            for option in self.get_params(ctx)
        ]
        page = ["", *_paragraph(f"Usage: {ctx.command_path} [OPTIONS] COMMAND [ARGS]...", width), ""]
        page += [*_paragraph(self.help or "", width), "", *_panel("Options", options, width)]
        wide = max(map(len, VERBS))
        for panel, verbs in groupby(VERBS.values(), key=lambda verb: verb.panel):
            page += _panel(panel, [(verb.name, verb.help) for verb in verbs], width, wide=wide)
        page += ["", *_paragraph(self.epilog or "", width)]
        # Printed here rather than handed to the formatter, which drops the page when no command is given.
        streams.write("\n".join(page), styled=True)


def _paragraph(text: str, width: int) -> list[str]:
    return [f" {line}" for line in _wrapped(text, width - 2)]


def _panel(title: str, rows: Iterable[tuple[str, str]], width: int, *, wide: int = 0) -> list[str]:
    """Return a titled frame around names and their descriptions, which wrap in their own column."""
    rows = list(rows)
    wide = max(wide, *(len(name) for name, _ in rows))
    room = width - wide - 6
    lines = [_style(f"╭─ {title} {'─' * (width - len(title) - 5)}╮", dim=True)]
    side = _style("│", dim=True)
    for name, meaning in rows:
        for index, line in enumerate(_wrapped(meaning, room) or [""]):
            shown = _style(f"{'' if index else name:<{wide}}", bold=True, fg="cyan")
            lines.append(f"{side} {shown}  {line:<{room}} {side}")
    return [*lines, _style(f"╰{'─' * (width - 2)}╯", dim=True)]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _style(text: str, **style: Any) -> str:
    """Style text for a terminal (`streams` strips it elsewhere)."""
    return text if "NO_COLOR" in os.environ else typer.style(text, **style)
