"""Answers of the terminal never become keys, wherever they are split and however late; keys are never lost."""

from __future__ import annotations

import itertools

import pytest

from simclr_tui.tui.terminal.answers import AnswerFilter

ANSWERS = [
    "\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\", "\x1b]11;rgb:ffff/ffff/ffff\x07", "\x1bP>|XTerm(390)\x1b\\", "\x1b[6;21;9t",
    "\x1b[?62;4c", "\x1b[?62c", "\x1b[>41;390;0c",
]  # fmt: skip
KEYS = ["\x1b", "\x1b[A", "\x1b[6~", "\x1b[5~", "\x1b[1;2B", "\x1bOP", "\x1b]", "\x1b[", "a", "ü", "/", "\x1b[<0;3;4M"]


def fed(chunks, owed, gap=0.0):
    """What is passed on of chunks that come `gap` seconds apart, and after a minute of silence."""
    filter, now, typed = AnswerFilter(owed), 0.0, ""
    for chunk in chunks:
        typed += filter.feed(chunk, now)
        now += gap
        typed += filter.feed("", now)
    return typed + filter.feed("", now + 61)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("owed", [True, False])
def test_an_answer_split_at_any_byte_is_not_typed(answer, owed):
    for cut in range(1, len(answer)):
        assert fed([answer[:cut], answer[cut:]], owed) == ""
    assert fed(answer, owed) == "", "byte by byte"


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("gap", [0.3, 2.0, 30.0])
def test_the_rest_of_a_torn_answer_is_not_typed_however_late_it_is(answer, gap):
    for cut in range(1, len(answer)):
        passed = fed([answer[:cut], answer[cut:]], owed=True, gap=gap)
        assert passed in ("", answer[:cut]), (cut, passed)
        assert len(passed) <= 3, "at most the escape key, or one with Alt"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("owed", [True, False])
def test_a_key_is_passed_on_alone_and_beside_answers(key, owed):
    assert fed([key], owed) == key
    for before, after in itertools.product(ANSWERS, ANSWERS):
        whole = before + "x" + key + after + "y"
        if key not in ("\x1b", "\x1b[", "\x1b]"):  # these and what follows at once are another key
            assert fed([whole], owed) == "x" + key + "y"


def test_escape_acts_within_a_tenth_of_a_second_once_nothing_is_owed():
    filter = AnswerFilter(owed=True)
    assert filter.feed("\x1b", 0.0) + filter.feed("", 0.2) == ""
    assert filter.feed("", 1.0) == "\x1b"
    assert filter.feed("\x1b[?62c", 2.0) == ""
    assert not filter.owed
    assert filter.feed("\x1b", 3.0) + filter.feed("", 3.1) == "\x1b"


def test_a_mode_report_reaches_the_parser():
    assert fed(["\x1b[?2026;2", "$y"], owed=False) == "\x1b[?2026;2$y"
