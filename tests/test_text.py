from __future__ import annotations

import math
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simclr_tui.text import did_you_mean, duration, number, percent, reason, safe, shortest, size, sparkline, value_text

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ACTS = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *BIDI, "\ud800", "\udfff", "\u2028", "\u2029"]
PAYLOADS = [
    "\x1b[2J\x1b[H",
    "\x1b]0;owned\x07",
    "\x1b]8;;https://example.org\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1bPq#0;2;0;0;0\x1b\\",
    "\x9b31mred\x9c",
    "\x9d0;title\x9c",
    "a\rb\x08\x08c\x7f",
    "run\u202e7gpj.exe",
    "\ud83d\ude00",
    "\x1bc\x0e\x0f\x05",
]

# Text as an attacker would mix it: anything at all, lone surrogates included, with much of what a terminal acts on.
hostile = st.lists(
    st.one_of(st.sampled_from(ACTS), st.sampled_from(PAYLOADS), st.text(st.characters(), max_size=5))
).map("".join)


def is_active(char: str) -> bool:
    embeds = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI", "B"}
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(char) in embeds


@given(hostile)
@example("".join(PAYLOADS))
@example("".join(ACTS))
def test_nothing_a_terminal_acts_on_gets_through(text):
    shown = safe(text)

    assert not [char for char in shown if is_active(char) or char in BIDI]
    shown.encode("utf-8")
    assert len(shown) == len(text)


@given(hostile)
def test_keeping_newlines_lets_nothing_else_through(text):
    shown = safe(text, keep_newlines=True)

    assert shown.count("\n") == text.count("\n")
    assert shown.replace("\n", safe("\n")) == safe(text)


@given(hostile)
def test_safe_text_is_left_as_it_is_the_second_time(text):
    assert safe(safe(text)) == safe(text)


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"])))
@example("héllo 模型 한국어 עברית العربية हिन्दी")
def test_letters_marks_numbers_and_symbols_are_untouched(text):
    assert safe(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦 🏳️‍🌈 🇯🇵 👍🏽",
        "e\u0301a\u0308",
        "ｆｕｌｌ 漢字かな交じり",
        "می‌خواهم",
        "co\u00adop",
        "τ=0.5 ‖z‖₂ ≤ 1",
        "[/] [link=x] a[b=",
    ],
)
def test_emoji_scripts_and_markup_are_kept(text):
    assert safe(text) == text


def test_control_characters_become_their_pictures():
    assert safe("\x1b[31m\x00\x7f\n\t\x9b") == "␛[31m␀␡␊ �"
    assert safe("one\r\ntwo", keep_newlines=True) == "one␍\ntwo"


def test_did_you_mean_offers_the_closest_word_or_nothing():
    assert did_you_mean("temprature", ["temperature", "batch_size"]) == "did you mean temperature?"
    assert did_you_mean("xyz", ["temperature", "batch_size"]) == ""
    assert did_you_mean("x", []) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (-math.inf, "–"),
        (-3, "0s"),
        (0, "0s"),
        (0.4, "0s"),
        (8, "8s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (221, "3m41s"),
        (3599.7, "1h00m"),
        (7500, "2h05m"),
        (86399.9, "1d00h"),
        (4 * 86400 + 3 * 3600, "4d03h"),
        (400 * 86400, "400d00h"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_600, "1.0 MB"),
        (1_500_000, "1.5 MB"),
        (999_960_000, "1.0 GB"),
        (61_200_000_000, "61.2 GB"),
        (999_960_000_000, "1.0 TB"),
        (12_345e12, "12345.0 TB"),
        (-1_500_000, "-1.5 MB"),
    ],
)
def test_sizes_roll_over_to_the_next_unit(count, text):
    assert size(count) == text


@given(st.integers(min_value=0, max_value=10**15 - 10**11))
def test_a_size_never_shows_a_thousand_of_a_unit(count):
    assert float(size(count).split()[0]) < 1000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (0, "0"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (5.4321, "5.432"),
        (-5.4321, "-5.432"),
        (0.0003, "0.0003"),
        (0.00003, "3e-05"),
        (512, "512"),
        (999.94, "999.9"),
        (999.96, "1,000"),
        (26410.4, "26,410"),
        (1_000_000, "1,000,000"),
        (1e300, "1e+300"),
        (-2.5e20, "-2.5e+20"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


@given(st.floats(min_value=-1e307, max_value=1e307))
def test_a_number_is_short_and_near_its_value(value):
    shown = number(value)

    assert len(shown) <= 20
    # 5e-3: three digits are left below 0.001; the absolute part is for the smallest floats, which have fewer.
    assert float(shown.replace(",", "")) == pytest.approx(value, rel=5e-3, abs=1e-320)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(None, "–"), (math.nan, "–"), (math.inf, "–"), (-math.inf, "–"), (0, "0.0%"), (0.839, "83.9%"), (1, "100.0%")],
)
def test_percentages(fraction, text):
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("values", "width", "text"),
    [
        ([], 40, ""),
        ([1.0], 0, ""),
        ([1.0], -1, ""),
        ([1.0], 40, "▄"),
        ([0.0, 1.0], 40, "▁█"),
        ([0, 1, 2, 3, 4, 5, 6, 7], 40, "▁▂▃▄▅▆▇█"),
        ([0.0, math.nan, 1.0], 40, "▁ █"),
        ([math.inf, 0.0, -math.inf, 1.0], 40, " ▁ █"),
        ([math.nan, math.inf], 40, "  "),
        ([0.0, math.nan, 1.0, 1.0], 2, "▁█"),
        ([1e308, 1e308, -1e308, -1e308], 2, "█▁"),
        ([0.0, 5e-324], 40, "▄▄"),
    ],
)
def test_sparklines(values, width, text):
    assert sparkline(values, width) == text


@pytest.mark.parametrize("value", [0.1, -0.1, 1 / 3, 1e300])
def test_equal_values_draw_a_flat_line_whatever_the_columns_hold(value):
    assert set(sparkline([value] * 100, 40)) == {"▄"}


@given(st.lists(st.floats(), max_size=200), st.integers(min_value=-2, max_value=60))
def test_a_sparkline_has_a_column_per_value_up_to_its_width(values, width):
    drawn = sparkline(values, width)

    assert len(drawn) == max(0, min(len(values), width))
    assert set(drawn) <= set(" ▁▂▃▄▅▆▇█")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=40))
def test_a_higher_value_is_never_drawn_lower(values):
    drawn = sparkline(values)
    ranked = [block for _, block in sorted(zip(values, drawn, strict=True))]

    assert ranked == sorted(ranked)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Weights only load failed. This file can still be loaded, if you trust it:\n(1) ...",
            "Weights only load failed",
        ),
        ("failed finding central directory. This is an internal miniz error.", "failed finding central directory"),
        ("invalid load key, 'x'.", "invalid load key, 'x'"),
        ("\n\nfirst line:\nsecond line", "first line"),
        ("cannot open images.h5 at 0.5 of its size", "cannot open images.h5 at 0.5 of its size"),
        ("\x1b[2Jcleared", "␛[2Jcleared"),
        ("", "ValueError"),
        (".", "ValueError"),
    ],
)
def test_of_another_librarys_error_one_safe_sentence_is_told(said, told):
    assert reason(ValueError(said)) == told


def test_a_librarys_sentence_without_end_is_cut():
    assert len(reason(ValueError("word " * 1000))) <= 160


@pytest.mark.parametrize(("value", "text"), [(0.1 + 0.05, "0.15"), (3 * 0.1, "0.3"), (1e-6, "1e-06"), (100.0, "100.0")])
def test_what_arithmetic_leaves_in_the_last_digits_is_not_shown(value, text):
    assert value_text(value) == text


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(-30, 30))
def test_a_number_as_it_was_typed_is_never_changed(digits, exponent):
    typed = float(f"{digits}e{exponent}")
    assert shortest(typed) == typed


def test_the_largest_number_stays_finite():
    assert shortest(sys.float_info.max) == sys.float_info.max
    assert shortest(math.inf) == math.inf
