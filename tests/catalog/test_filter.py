"""The filter language, case by case."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simclr_tui.catalog.filter import parse_filter
from simclr_tui.catalog.row import columns
from simclr_tui.errors import RecipeError

EMPTY = dict.fromkeys(columns())
ROWS = [
    EMPTY | {"name": "run1", "state": "running", "bs": 256, "temp": 0.5, "knn": 0.81, "tags": "paper,best",
             "note": "Blur off", "data": "cifar10", "head_bn": True, "lr_scaling": "linear", "flags": "stalled",
             "preset": "quick"},
    EMPTY | {"name": "run2", "state": "finished", "bs": 512, "temp": 0.1, "knn": 0.9, "tags": "best of",
             "note": "ÄRGER", "data": "folder:/a b", "head_bn": False, "lr_scaling": "sqrt", "flags": "",
             "preset": "report"},
    EMPTY | {"name": "run3", "state": "failed", "bs": 256, "temp": 0.07, "knn": None, "tags": "", "note": "it's \"so\"",
             "data": "shapes", "head_bn": True, "lr_scaling": "none", "flags": "diverged,collapsed", "preset": "quick"},
]  # fmt: skip

CASES = [
    ("", "123"), ("   ", "123"),
    ("state:running", "1"), ("state=running", "1"), ("state:RUNNING", "1"), ("state!=running", "23"),
    ("state:running,failed", "13"), ("-state:running", "23"), ("-state:running,failed", "2"), ("-state!=running", "1"),
    ("bs>=512", "2"), ("bs>256", "2"), ("bs<=256", "13"), ("bs<256", ""), ("bs:256", "13"), ("bs=256.0", "13"),
    ("bs:128,512", "2"), ("bs!=256", "2"), ("batch_size:512", "2"), ("batch-size:512", "2"), ("temperature<0.2", "23"),
    ("temp:0.5", "1"), ("temp:.5", "1"), ("temp<0.5 temp>0.07", "2"), ("temp>=5e-1", "1"),
    ("knn>0.8", "12"), ("knn>85%", "2"), ("knn<100%", "12"), ("-knn>0", "3"), ("knn>0.8 bs:256", "1"),
    ("tag:paper", "1"), ("tags:best", "1"), ('tag:"best of"', "2"), ("tag:paper,x", "1"), ("tag~best", "12"),
    ("-tag:paper", "23"),
    ("flags:stalled", "1"), ("flags:collapsed", "3"), ('flags:""', "2"),
    ("note~blur", "1"), ("note~ärger", "2"), ('"blur off"', "1"), ('-"blur off"', "23"), ("ärger", "2"), ("it's", "3"),
    ("run", "123"), ("run2", "2"), ("name:run2", "2"), ("name:run", ""), ("name~run", "123"), ("cifar", "1"),
    ("quick", "13"),
    ('data:"folder:/a b"', "2"), ("head-bn:true", "13"), ("head_bn:false", "2"), ("-head-bn:true", "2"),
    ("lr-scaling:linear", "1"), ("lr_scaling:sqrt,none", "23"), ("-quick -report", ""), ("paper blur", "1"),
    ("paper shapes", ""),
    ("state:running\tbs:256\n", "1"), ("preset:quick state:failed", "3"), ("loss<1", ""), ("name>1", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_filter_passes_these_rows(text, expected):
    keep = parse_filter(text)
    assert "".join(row["name"][-1] for row in ROWS if keep(row)) == expected
    assert keep.text == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("knnn>0.8", "did you mean knn"), ("stat:running", "did you mean state"), ("zzzz:1", "simclr ls --json"),
        ("bs>many", "for example bs>0.5"), ("bs>=256,512", "bs is compared with a number"), ("knn>8%%", "number"),
        ('"open', "cannot read the filter"), ('note~"open', "not a whole comparison"), ("bs >= 256", "write it in one"),
        ("bs>= 256", "'bs>=' is not a whole comparison"), ("bs >=256", "'>=256' is not"),
        ("knn:", "not a whole comparison"),
        ("http://x", "no column 'http'"), ("-bs>", "not a whole comparison"), ("bs==256", "not a whole"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_says_what_to_write(text, words):
    with pytest.raises(RecipeError) as caught:
        parse_filter(text)
    assert words in str(caught.value)
    assert caught.value.hint


PIECES = st.sampled_from(
    ["state", "bs", "temp", "tag", "name", ":", ">=", "<", "!=", "~", "=", "-", '"', " ", ",", "0.5", "nan", "inf", "%",
     "1e999", "run1", "\0", "é"]
)  # fmt: skip


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=40) | st.lists(PIECES, max_size=10).map("".join))
@example("bs:" + "9" * 5000)
@example("bs:1_0,١,infinity,nan")
@example("bs>" + "9" * 5000)
@example("-" * 5000)
@example('"' * 5001)
def test_any_text_is_a_filter_or_a_recipe_error(text):
    try:
        keep = parse_filter(text)
    except RecipeError:
        return
    for row in [*ROWS, EMPTY]:
        assert keep(row) in (True, False)


def test_a_metric_is_filtered_by_its_name_and_a_run_without_it_never_passes():
    rows = [{"name": "even", "alignment": 0.2}, {"name": "far", "alignment": 1.4}, {"name": "unmeasured"}]
    assert [row["name"] for row in rows if parse_filter("alignment<0.5")(row)] == ["even"]
    assert [row["name"] for row in rows if parse_filter("alignment>0.5")(row)] == ["far"]
