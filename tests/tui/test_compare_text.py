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
