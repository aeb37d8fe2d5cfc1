"""Make outside text safe for a terminal; format numbers, sizes and durations for people."""

from __future__ import annotations

import difflib
import itertools
import math
import unicodedata
from collections.abc import Iterable

# Bidirectional controls can make one name read as another (CVE-2021-42574); the rest of category Cf is left alone,
# since emoji and some scripts need its joiners.
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def safe(text: str, keep_newlines: bool = False) -> str:
    """Replace everything a terminal could act on (C0, C1, ESC, DEL, bidi, lone surrogates) with a visible mark."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_safe_char(char, keep_newlines) for char in text)


def _safe_char(char: str, keep_newlines: bool) -> str:
    if char == "\n" and keep_newlines:
        return char
    if char == "\t":
        return " "
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode pictures of the control characters
    if code == 0x7F:
        return "␡"
    category = unicodedata.category(char)
    if category in ("Cc", "Cs", "Zl", "Zp") or char in _BIDI:
        return "�"
    return char


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
