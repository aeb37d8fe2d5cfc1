"""Every run of a comparison has its column, and no line is wider than the screen, whatever the names."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from simclr_tui.catalog.compare import compare
from simclr_tui.store.store import Store
from simclr_tui.tui.compare_text import comparison_text
from simclr_tui.tui.wrapping import wrapped
from tests.tui.runs_fabric import CREATED, fabricate

NAMES = [
    "resnet18-cifar10-baseline-with-longer-warm-up-1", "resnet18-cifar10-baseline-with-longer-warm-up-2",
    "größer-über-alles", "随机裁剪-颜色抖动-对比学习-基线", "随机裁剪-颜色抖动-对比学习-基线-2", "a", "эксперимент-0.2",
]  # fmt: skip


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    root = tmp_path_factory.mktemp("compared") / "runs"
    for place, name in enumerate(NAMES):
        fabricate(root, name, steps=20, created=CREATED + place, temp=0.1 + place // 2, seed=place % 2)
    return compare([Store(root).run(name) for name in NAMES])


@pytest.mark.parametrize("width", [56, 76, 116, 196])
def test_every_run_has_a_column_within_the_width(comparison, width):
    lines = comparison_text(comparison, width).plain.splitlines()
    assert [line for line in lines if cell_len(line) > width] == []
    seeds = next(place for place, line in enumerate(lines) if line.startswith("over seeds"))
    rows = [line for line in lines[:seeds] if line.lstrip().startswith("lowest loss")]
    assert sum(len(line.split()) - 2 for line in rows) == len(NAMES)
    ends = [line for line in lines if "warm-up-1" in line and ":" not in line]
    assert ends, "a long name keeps its end, by which it is told from its twin"


def test_values_and_names_that_differ_are_never_shown_alike(tmp_path):
    names = [f"resnet18-cifar10-{middle}-warm-up-epochs" for middle in ("ten", "two")]
    values = [0.12345, 0.12346]
    sets = [f"folder:/a/long/way/to/the/images-of-{which}/train" for which in ("2024", "2025")]
    for name, temp, data in zip(names, values, sets, strict=True):
        fabricate(tmp_path, name, steps=20, temp=temp, data=data)
    lines = comparison_text(compare([Store(tmp_path).run(name) for name in names]), 56).plain.splitlines()
    assert [line for line in lines if cell_len(line) > 56] == []
    assert next(line for line in lines if line.startswith("  temp ")).split()[1:] == ["0.12345", "0.12346"]
    middle = 22 + (56 - 22) // 2
    start = lines.index("Differences") + 1
    stop = next(place for place in range(start + 1, len(lines)) if lines[place][:4].strip())
    for words, left, right in ((sets[0], 22, middle), (sets[1], middle, 56)):
        assert "".join(line[left:right].strip() for line in lines[start:stop]) == words
    heads = lines[: start - 1]
    assert "".join(line[22:middle].strip() for line in heads).startswith(names[0])
    assert "".join(line[middle:].strip() for line in heads).startswith(names[1])


def test_a_sentence_breaks_between_words_and_never_inside_a_name(comparison):
    lines = comparison_text(comparison, 56).plain.splitlines()
    start = lines.index("Conclusions")
    said = lines[start : lines.index("Results")]
    assert len(said) > 2
    assert not [line for line in said if line.endswith("-")]


def test_a_word_that_fits_no_line_is_cut_and_all_others_stay_whole():
    assert wrapped("a bb 随机裁剪颜色 dd", 8, first="  ", further="    ") == [
        "  a bb",
        "    随机",
        "    裁剪",
        "    颜色",
        "    dd",
    ]
    assert wrapped("", 8) == []
