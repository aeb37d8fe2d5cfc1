"""A screen whose keys are rows of the table of actions, each done by one of the parts that the screen is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual.screen import Screen, ScreenResultType

from simclr_tui.tui.actions import Situation, action_of

Doer = Callable[..., object]
Doers = Mapping[str, Doer]
"""Handlers by the name of their action (`stop`, `page`); each is called with the action's parameters."""


class ActionScreen(Screen[ScreenResultType]):
    """`where` names the screen in the table of actions. Without doers of its own it acts by Textual's methods."""

    where: ClassVar[str] = ""

    def doer(self, name: str) -> Doer | None:
        """Return what does an action now; None where no part of the screen can."""
        return None

    def situation(self) -> Situation:
        """Return what the keys would act on now."""
        return Situation()

    def why_not(self, name: str, situation: Situation) -> str:
        """Return what keeps an action of this screen from being done now, in words; nothing for one that can be."""
        row = action_of(name, self.where)
        return "" if row is None else row.why_not(situation)

    def is_possible(self, name: str, situation: Situation) -> bool:
        """Return True if an action of this screen can be done; one outside the table always can."""
        if action_of(name, self.where) is None:
            return True
        return not self.why_not(name, situation) and self.doer(name) is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim an action that cannot be done now in the footer; its key says why."""
        return True if self.is_possible(action, self.situation()) else None
