"""Print the confusion matrix of an evaluation, or its most confused pairs of classes."""

from __future__ import annotations

from simclr_tui.store.evaluations import Evaluation
from simclr_tui.text import percent, safe

_MATRIX = 20  # classes up to which the whole matrix is drawn
_WORST = 15  # confused pairs listed instead
_NAME = 14  # characters kept of a class name


def confusion_lines(found: Evaluation) -> list[str]:
    """Return the matrix in percent of each row; for more than 20 classes, the most confused pairs instead.

    The diagonal is the accuracy of each class.
    """
    names = [safe(name) for name in found.classes]
    return _matrix(found, names) if len(names) <= _MATRIX else _pairs(found, names)


def _matrix(found: Evaluation, names: list[str]) -> list[str]:
    label = min(_NAME, max(map(len, names)))
    head = " " * (label + 4) + "".join(f"{column:4d}" for column in range(len(names)))
    lines = [f"{found.name}: % of each true class (row) predicted as each class (column)", head]
    for index, row in enumerate(found.confusion):
        cells = "".join(_cell(count, sum(row)) for count in row)
        lines.append(f"{names[index][:label]:<{label}} {index:>3}{cells}")
    return lines


def _cell(count: int, total: int) -> str:
    share = round(100 * count / total) if total else 0
    return f"{share:4d}" if share else f"{'·':>4}"


def _pairs(found: Evaluation, names: list[str]) -> list[str]:
    wrong = [
        (count / sum(row), true, taken)
        for true, row in enumerate(found.confusion)
        for taken, count in enumerate(row)
        if taken != true and count
    ]
    worst = sorted(wrong, reverse=True)[:_WORST]
    lines = [f"{found.name}: the most confused of {len(names)} classes"]
    return lines + [f"{percent(share):>6} of {names[true]} predicted as {names[taken]}" for share, true, taken in worst]
