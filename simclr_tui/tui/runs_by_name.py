"""Runs in the command palette: type a part of a name to go to its run."""

from __future__ import annotations

from functools import partial

from textual.command import Hit, Hits, Provider

from simclr_tui.text import safe
from simclr_tui.tui.main_screen import MainScreen

_MOST = 20  # runs offered at once


class RunsByName(Provider):
    """Find the runs whose name contains what was typed, on the main screen."""

    async def search(self, query: str) -> Hits:
        if not isinstance(self.screen, MainScreen):
            return
        pane, matcher, found = self.screen.runs_pane, self.matcher(query), 0
        for row in pane.all_rows:
            name = safe(row["name"])
            if query.casefold() in name.casefold() and found < _MOST:
                found += 1
                words = f"Go to this run: {row['state']}."
                yield Hit(
                    matcher.match(name) or 0.5, matcher.highlight(name), partial(pane.show_run, row["name"]), help=words
                )
