"""Filter late answers of the terminal out of its input: they must never act as keys."""

from __future__ import annotations

import re

ESC = "\x1b"
_ANSWER = re.compile(
    r"\x1b\](?:4|1[0-9]);[^\x07\x1b]{0,80}(?:\x07|\x1b\\)"  # a colour
    r"|\x1bP[>!][^\x1b]{0,160}\x1b\\"  # the terminal's name
    r"|\x1b\[[?>=][\d;]*c"  # its attributes
    r"|\x1b\[[4-9];\d+;\d+t"  # a size in pixels or cells
)
_BEGINNING = re.compile(
    r"\x1b(?:\](?:4?|1[0-9]?|(?:4|1[0-9]);[^\x07\x1b]{0,80}\x1b?)"
    r"|P(?:[>!][^\x1b]{0,160}\x1b?)?"
    r"|\[(?:[?>=][\d;]*|[4-9](?:;[\d;]*)?)?)?"
)
_COULD_BE_A_KEY = re.compile(r"\x1b(?:[\]\[P]|\[[4-9])?")  # escape, Alt with a bracket, half of Page Down
_KEY_WITHIN = 0.1  # seconds: the bytes of one key arrive together
_ANSWER_WITHIN = 1.0  # seconds while an answer is owed, which a slow connection may split anywhere
_GIVEN_UP_AFTER = 60.0  # seconds after which half an answer is dropped


class AnswerFilter:
    """Pass keys on and hold answers back, wherever they were split and however late they are.

    While `owed` (an answer is due), a lone escape waits a little longer before it counts as a key.
    """

    def __init__(self, owed: bool = False) -> None:
        self.owed = owed
        self._held = ""
        self._since = 0.0
        self._passed = ""  # passed on as a key, but possibly the start of an answer

    def feed(self, text: str, now: float) -> str:
        """Return the keys in the text and in what was held back before."""
        if text:
            self._held += text
            self._since = now
        typed = self._drop_rest_of_answer() + self._sort()
        if self._held and now - self._since >= self._patience:
            typed += self._let_go()
        return typed

    @property
    def _patience(self) -> float:
        if _COULD_BE_A_KEY.fullmatch(self._held):
            return _ANSWER_WITHIN if self.owed else _KEY_WITHIN
        return _GIVEN_UP_AFTER

    def _sort(self) -> str:
        typed = ""
        while self._held:
            before, found, rest = self._held.partition(ESC)
            typed, self._held = typed + before, found + rest
            if answer := _ANSWER.match(self._held):
                self._take(answer)
            elif _BEGINNING.fullmatch(self._held):
                break
            else:
                typed, self._held = typed + self._held[:1], self._held[1:]
        return typed

    def _take(self, answer: re.Match[str]) -> None:
        self._held = self._held[answer.end() :]
        if answer[0].endswith("c"):  # the answer to the last query
            self.owed = False

    def _let_go(self) -> str:
        """Release what was held back as keys; drop half an answer."""
        held, self._held = self._held, ""
        if not _COULD_BE_A_KEY.fullmatch(held):
            return ""
        self._passed = held if self.owed else ""
        return held

    def _drop_rest_of_answer(self) -> str:
        """Drop the rest of an answer whose start was passed on as a key."""
        if not (self._passed and self._held):
            return ""
        whole = self._passed + self._held
        if answer := _ANSWER.match(whole):
            self._held, self._passed = whole, ""
            self._take(answer)
        elif not _BEGINNING.fullmatch(whole):
            self._passed = ""
        elif not _COULD_BE_A_KEY.fullmatch(whole):
            self._held, self._passed = whole, ""
        return ""
