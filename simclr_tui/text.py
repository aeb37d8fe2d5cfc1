"""Make outside text safe for a terminal; format numbers, sizes and durations for people."""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Iterable

# Bidirectional controls can make one name read as another (CVE-2021-42574); the rest of category Cf is left alone,
# since emoji and some scripts need its joiners.
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# C0, DEL and C1 (category Cc), lone surrogates (Cs), line and paragraph separators (Zl, Zp).
_UNSAFE = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029{_BIDI}]")
_UNSAFE_IN_LINES = re.compile(f"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029{_BIDI}]")  # all but newlines

_SURROGATE = re.compile("[\ud800-\udfff]")


def safe(text: str, keep_newlines: bool = False) -> str:
    """Replace everything a terminal could act on (C0, C1, ESC, DEL, bidi, lone surrogates) with a visible mark."""
    if text.isascii() and text.isprintable():
        return text
    return (_UNSAFE_IN_LINES if keep_newlines else _UNSAFE).sub(_visible, text)


def safe_json(document: str, ascii_only: bool = False) -> str:
    """Escape in a JSON document, as `\\uXXXX`, what a terminal could act on; with `ascii_only` all non-ASCII text.

    The document means the same to every JSON parser.
    """
    escaped = _UNSAFE_IN_LINES.sub(lambda found: _json_escape(found[0]), document)
    if ascii_only and not escaped.isascii():
        escaped = "".join(char if char.isascii() else _json_escape(char) for char in escaped)
    return escaped


def storable(text: str) -> str:
    """Return text that UTF-8 can store: bytes of a file name that were no UTF-8 (lone surrogates) become `\\xNN`."""
    return text if text.isascii() else _SURROGATE.sub(_byte_escape, text)


def _byte_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    if found[0] == "\t":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode pictures of the control characters
    return "␡" if code == 0x7F else "�"


_MOST_OF_A_REASON = 160  # characters


def reason(error: BaseException) -> str:
    """Return the first sentence of another library's error, safe and short enough to stand within one of our own.

    Libraries add pages of advice (PyTorch's ask people to trust the file, or to report a bug of theirs), and some say
    nothing: the error's type then stands for it.
    """
    first = " ".join(next(iter(str(error).strip().splitlines()), "").split())
    sentence = re.split(r"(?<=[^.\s]{2})\.(?=\s)", first, maxsplit=1)[0].rstrip(" .:;,") or type(error).__name__
    shown = safe(sentence)
    return shown if len(shown) <= _MOST_OF_A_REASON else shown[: _MOST_OF_A_REASON - 1].rstrip() + "…"


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `did you mean X?` for the closest choice, or an empty string."""
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else ""


def duration(seconds: float | None) -> str:
    """Return `8s`, `3m41s`, `2h05m` or `4d03h`; `–` if unknown."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = max(0, round(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d{hour:02d}h"
    if hours:
        return f"{hours}h{minute:02d}m"
    if minutes:
        return f"{minutes}m{second:02d}s"
    return f"{second}s"


def size(count: float | None) -> str:
    """Return bytes in decimal units, as disks are sold: `61.2 GB`; `–` if unknown."""
    if count is None or not math.isfinite(count):
        return "–"
    for unit, decimals in (("B", 0), ("kB", 0), ("MB", 1), ("GB", 1)):
        if round(abs(count), decimals) < 1000:
            return f"{count:.{decimals}f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def energy(joules: float | None) -> str:
    """Return an amount of energy as `0.42 Wh` or `1.31 kWh`; `–` if unknown."""
    if joules is None or not math.isfinite(joules):
        return "–"
    hours = joules / 3600
    return f"{hours / 1000:.3g} kWh" if hours >= 999.5 else f"{hours:.3g} Wh"


def number(value: float | None) -> str:
    """Return about four significant digits, as short as possible: `0.5`, `5.432`, `26,410`, `3e-05`; `–` if unknown."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if abs(value) >= 1e15:
        return f"{value:.4g}"
    if value == int(value) or abs(value) >= 999.95:
        return f"{round(value):,}"
    if abs(value) < 1e-3:
        return f"{value:.3g}"
    return f"{value:.4g}"


def percent(fraction: float | None) -> str:
    """Return a fraction as `83.9%`; `–` if unknown."""
    return "–" if fraction is None or not math.isfinite(fraction) else f"{100 * fraction:.1f}%"


def spread(mean: float | None, std: float | None) -> str:
    """Return `45.2%`, or `45.2 ± 0.3%` over several seeds."""
    if mean is None or std is None:
        return percent(mean)
    return f"{100 * mean:.1f} ± {100 * std:.1f}%"


def plus_minus(mean: float, std: float | None) -> str:
    """Return `5.59 ± 0.42`: two digits of the deviation and the mean to the same place, or the mean alone."""
    if std is None or not math.isfinite(std) or not math.isfinite(mean):
        return number(mean)
    if std == 0:
        return f"{number(mean)} ± 0"
    decimals = min(9, max(0, 1 - math.floor(math.log10(std))))
    return f"{mean:,.{decimals}f} ± {std:,.{decimals}f}"


def value_text(value: object) -> str:
    """Return a recipe's value as it is shown everywhere: `yes` or `no` for a flag, `–` for one that is not known.

    Values that differ are never shown alike, so nothing is rounded but what arithmetic left in the last digits.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    return str(shortest(value)) if isinstance(value, float) else safe(str(value))


def shortest(value: float) -> float:
    """Return the number without what binary arithmetic left in its last digits: 0.1 + 0.05 is 0.15.

    Fifteen significant digits are kept, as many as every float holds, so a number that was typed is never changed.
    """
    rounded = float(f"{value:.15g}")
    return rounded if math.isfinite(rounded) else value  # the largest float rounds beyond what a float can hold


_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: list[float], width: int = 40) -> str:
    """Draw the mean of each column in eight heights, with gaps where nothing is finite."""
    columns = max(0, min(width, len(values)))
    edges = [column * len(values) // columns for column in range(columns)] + [len(values)]
    means = [_finite_mean(values[start:end]) for start, end in itertools.pairwise(edges)]
    known = [mean for mean in means if mean is not None]
    if not known:
        return " " * columns
    low, high = min(known), max(known)
    # Means of equal values may differ by rounding alone, which should not be drawn as a shape.
    span = high - low if high - low > 1e-12 * max(-low, high) else 0.0
    return "".join(" " if mean is None else _block(mean - low, span) for mean in means)


def _finite_mean(values: list[float]) -> float | None:
    """Return a quarter of the mean of the finite values: scale is not drawn, and no sum or difference overflows."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(value / len(finite) / 4 for value in finite) if finite else None


def _block(height: float, span: float) -> str:
    return _BLOCKS[int(height / span * 7.999)] if span else _BLOCKS[3]
