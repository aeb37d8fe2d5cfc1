"""A heat map of kNN over two fields: in compare and for a sweep, where there are enough runs to compare."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.compare import compare
from simclr_tui.cli.sweep_table import print_sweep
from simclr_tui.display.colours import contrast
from simclr_tui.display.heat_map import draw_heat_map
from simclr_tui.report.heat_maps import comparison_heat_map, sweep_heat_map
from simclr_tui.store.run import Trial
from simclr_tui.store.state import write_state
from simclr_tui.store.store import Store
from simclr_tui.sweep.axes import grid, parse_axis
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.results import sweep_results
from tests.tui.runs_fabric import CREATED, fabricate


def plain(lines):
    return ["".join(words for words, _ in line) for line in lines]


def shades(lines):
    return [style.removeprefix("bold ").split(" on ") for line in lines for _, style in line if " on " in style]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("grid") / "runs"
    for number, (temp, bs) in enumerate((temp, bs) for temp in (0.1, 0.5) for bs in (32, 64)):
        fabricate(root, f"run{number}", steps=40, created=CREATED + number, temp=temp, bs=bs)
    fabricate(root, "failed", "failed", 40, created=CREATED + 9, temp=0.9, bs=32, reason="no memory")
    return Store(root)


def test_two_fields_span_a_map_with_the_last_knn_of_each_pair_and_no_row_for_a_failed_run(runs):
    comparison = compare([runs.run(name) for name in ("run0", "run1", "run2", "run3", "failed")])
    lines = comparison_heat_map(comparison, 80)
    title, heads, *rows = plain(lines)
    assert title == "kNN % by temp (down) and bs (across)"
    assert heads.split() == ["32", "64"]
    knn = next(measure for measure in comparison.measures if measure.name == "knn").values[:4]
    shown = [f"{100 * value:.1f}{'★' if value == max(knn) else ''}" for value in knn]
    assert [row.split() for row in rows] == [["0.1", *shown[:2]], ["0.5", *shown[2:]]]
    assert len({ground for _, ground in shades(lines)}) == len(set(knn)), "a better value has another shade"


def test_compare_prints_the_map_after_its_table(runs):
    names = [f"run{number}" for number in range(4)]
    command = [sys.executable, "-m", "simclr_tui", "compare", *names, "--runs", str(runs.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    expected = [line.rstrip() for line in plain(comparison_heat_map(compare([runs.run(name) for name in names]), 160))]
    assert "\n".join(expected) in "\n".join(line.rstrip() for line in done.stdout.splitlines())


def test_a_sweep_prints_the_same_map_as_the_dashboard_shows(tmp_path, capsys):
    axes = (parse_axis("temp", "0.1,0.5"), parse_axis("bs", "32,64"))
    sweep = Sweep(name="t", sampler="grid", trials=4, seeds=(0,), axes=axes, listed=tuple(grid(axes)))
    for number, values in enumerate(sweep.listed):
        run = fabricate(tmp_path, f"t-{number}", steps=40, created=CREATED + number, **values)
        run.write_info(msgspec.structs.replace(run.info, trial=Trial(sweep="t", number=number)))
    rows = Catalog(Store(tmp_path)).rows()
    results = sweep_results(sweep, rows)
    lines = [line.rstrip() for line in plain(sweep_heat_map(sweep, results, 160))]
    knn = [f"{100 * one.mean:.1f}" for one in results]
    assert [line.replace("★", "").split() for line in lines[1:]] == [
        ["32", "64"], ["0.1", *knn[:2]], ["0.5", *knn[2:]],
    ]  # fmt: skip
    print_sweep(sweep, rows)
    assert "\n".join(lines) in "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())


def test_numbers_stand_under_their_heads_and_can_be_read_on_every_shade():
    found = {(row, column): [(10 * row + column) / 100] for row in range(10) for column in range(10)}
    lines = draw_heat_map("warmup", "seed", found, width=100)
    assert {contrast(words, ground) >= 4.5 for words, ground in shades(lines)} == {True}
    _, heads, *rows = plain(lines)
    ends = [place for place, char in enumerate(heads) if char.isdigit()]
    for row in rows:
        assert [row[end - 1] for end in ends] == ["."] * 10
        assert row[: row.index(".") - 2].split(), "a head does not touch its row's first number"


def test_columns_that_do_not_fit_follow_below_and_none_is_lost():
    found = {(row, column): [column / 100] for row in (1, 2) for column in range(30)}
    for width in (20, 40, 57, 76):
        lines = plain(draw_heat_map("a", "b", found, width=width))
        assert max(map(len, lines[1:])) <= width
        heads = [word for line in lines[1::3] for word in line.split()]
        assert heads == [str(column) for column in range(30)]


def test_means_say_of_how_many_they_are():
    pairs = [(row, column) for row in (1, 2) for column in (1, 2)]
    title, *_ = plain(draw_heat_map("a", "b", {pair: [0.1, 0.3] for pair in pairs}, width=80))
    assert title.endswith(", means of 2 runs")
    title, _, first, _ = plain(
        draw_heat_map("a", "b", {pair: [0.1] for pair in pairs} | {(1, 1): [0.2, 0.4, 0.6]}, width=80, of="trial")
    )
    assert title.endswith(", means of 1 to 3 trials")
    assert first.split() == ["1", "40.0★", "10.0"]


def test_values_of_many_digits_widen_their_columns_and_stay_apart():
    found = {(temp, bs): [0.1 * bs / 64] for temp in (0.123456781, 0.123456789) for bs in (32, 64)}
    lines = plain(draw_heat_map("temp", "a", found, width=80))[1:]
    assert [line.split()[0] for line in lines[1:]] == ["0.123456781", "0.123456789"]
    assert {len(line) for line in lines} == {len(lines[0])}


def test_values_of_which_no_two_runs_share_any_give_no_map(tmp_path):
    for number in range(5):
        fabricate(tmp_path, f"run{number}", steps=40, created=CREATED + number, temp=0.1 + number / 10, lr=number + 1)
    assert comparison_heat_map(compare([Store(tmp_path).run(f"run{number}") for number in range(5)]), 80) == []


def test_one_field_or_too_few_runs_give_no_map(runs):
    assert comparison_heat_map(compare([runs.run("run0"), runs.run("run1")]), 80) == []
    assert comparison_heat_map(compare([runs.run("run0"), runs.run("run3")]), 80) == []


def test_accuracies_on_other_data_share_no_map(tmp_path):
    for number, (subset, bs) in enumerate((subset, bs) for subset in (100, 200) for bs in (32, 64)):
        fabricate(tmp_path, f"run{number}", steps=40, created=CREATED + number, subset=subset, bs=bs)
    store = Store(tmp_path)
    assert comparison_heat_map(compare([store.run(f"run{number}") for number in range(4)]), 80) == []


def test_accuracies_on_held_out_images_that_changed_share_no_map(tmp_path):
    for number, (temp, bs) in enumerate((temp, bs) for temp in (0.1, 0.5) for bs in (32, 64)):
        fabricate(tmp_path, f"run{number}", steps=40, created=CREATED + number, temp=temp, bs=bs)
    store = Store(tmp_path)
    runs = [store.run(f"run{number}") for number in range(4)]
    for run, digest in zip(runs, "aaab", strict=True):
        state = run.status
        facts = state.facts | {"validation_digest": digest, "test_digest": digest}
        write_state(run.paths, msgspec.structs.replace(state, facts=facts))
    assert comparison_heat_map(compare(runs), 80) == []
    write_state(runs[3].paths, msgspec.structs.replace(runs[3].status, facts=runs[0].status.facts))
    assert comparison_heat_map(compare(runs), 80)
