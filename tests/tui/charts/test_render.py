"""Lines in cells: gaps, edges, letters, the best value, outliers."""

from __future__ import annotations

import math

import pytest

from simclr_tui.display.ticks import clock_time, place_in_words, x_ticks
from simclr_tui.tui.charts.axis_range import without_outliers, y_range
from simclr_tui.tui.charts.canvas import Canvas
from simclr_tui.tui.charts.render import Style, cells, draw, drawable
from simclr_tui.tui.feed.messages import Panel, Series
from simclr_tui.tui.feed.metric_filter import matching

NAN = math.nan
RED, BLUE = "#ff0000", "#0000ff"


def rows(canvas):
    return ["".join(char for char, _ in canvas.row(index)) for index in range(canvas.height)]


def picture(panel, width=40, height=12, **style):
    lines = drawable(panel, style.get("log", False))
    drawing = draw(
        panel,
        lines,
        width=width,
        height=height,
        style=Style(**style),
        fade={series.colour: "#888888" for series in lines},
    )
    return drawing, ["".join(char for char, _ in cells(drawing, row)) for row in range(height)]


def line(ys, label="run1", colour=RED, **more):
    return Series(label, colour, tuple(map(float, range(len(ys)))), tuple(map(float, ys)), **more)


def test_a_line_goes_from_corner_to_corner_and_covers_every_column():
    canvas = Canvas(10, 5, (0, 1, 0, 1), fine=True)
    canvas.line([0, 1], [0, 1], RED)
    drawn = rows(canvas)
    assert drawn[-1][0] != " "
    assert drawn[0][-1] != " "
    assert all(any(row[column] != " " for row in drawn) for column in range(10))
    assert {colour for index in range(5) for char, colour in canvas.row(index) if char != " "} == {RED}


@pytest.mark.parametrize("fine", [True, False])
@pytest.mark.parametrize("hole", [NAN, math.inf, -math.inf])
def test_a_value_that_is_no_number_leaves_a_gap(fine, hole):
    canvas = Canvas(9, 3, (0, 8, 0, 1), fine=fine)
    canvas.line(range(9), [0.5] * 3 + [hole] * 3 + [0.5] * 3, RED)
    assert [char == " " for char in rows(canvas)[1]] == [False] * 3 + [True] * 3 + [False] * 3


def test_a_single_point_between_gaps_is_drawn():
    canvas = Canvas(9, 3, (0, 8, 0, 1), fine=True)
    canvas.line([3, 4, 5], [NAN, 0.5, NAN], RED)
    assert sum(char != " " for char in "".join(rows(canvas))) == 1


def test_what_lies_outside_the_box_is_cut_off_at_its_edge():
    canvas = Canvas(10, 4, (10, 20, 0, 1), fine=True)
    canvas.line([0, 30], [0.5, 0.5], RED)
    assert any(" " not in row for row in rows(canvas))
    canvas = Canvas(10, 4, (0, 10, 0, 1), fine=True)
    canvas.line([0, 5, 10], [0.5, 1e300, 0.5], RED)
    drawn = "".join(rows(canvas))
    assert drawn.strip()
    canvas.line([0, 10], [5.0, 6.0], BLUE)
    assert "".join(rows(canvas)) == drawn, "a line above the box is not drawn along its edge"


def test_overlaid_lines_carry_their_letter_and_the_best_value_a_star():
    panel = Panel("loss", "loss", (line(range(50), "x", best=(30.0, 30.0)), line(range(50, 0, -1), "y", BLUE)))
    _, drawn = picture(panel)
    text = "\n".join(drawn)
    assert text.count("a") == 2
    assert text.count("b") == 2
    assert text.count("★") == 1
    _, alone = picture(Panel("loss", "loss", (line(range(50)),)))
    assert not any(sign in "\n".join(alone) for sign in "ab★")


def test_without_colours_lines_are_made_of_letters_and_without_braille_of_marks():
    panel = Panel("loss", "loss", (line(range(50), "x"), line(range(50, 0, -1), "y", BLUE)))
    _, drawn = picture(panel, letters=True)
    assert "\n".join(drawn).count("b") > 20
    _, drawn = picture(Panel("loss", "loss", (line(range(50)),)), fine=False)
    assert "\n".join(drawn).count("*") > 20
    assert not any(0x2800 <= ord(char) < 0x2900 for char in "\n".join(drawn))


def test_a_letter_finds_another_place_where_one_is_taken():
    same = tuple(line([1.0] * 60, f"run{index}", RED) for index in range(4))
    _, drawn = picture(Panel("loss", "loss", same), width=60)
    assert all(sign in "\n".join(drawn) for sign in "abcd")


def test_a_log_axis_leaves_out_what_is_not_above_zero():
    panel = Panel("loss", "loss", (line([0.0, -1.0, 1.0, 10.0, 100.0]),))
    (shown,) = drawable(panel, True)
    assert all(map(math.isnan, shown.ys[:2]))
    assert shown.ys[2:] == (0.0, 1.0, 2.0)
    assert drawable(Panel("loss", "loss", (line([0.0, -1.0]),)), True) == []


def test_clipping_leaves_out_the_few_that_are_far_from_all_others():
    values = [1.0 + index % 10 / 10 for index in range(98)] + [1e6, -1e6]
    low, high = without_outliers(values)
    assert 0.8 < low <= 1.0
    assert 1.9 <= high < 2.1
    assert without_outliers([1.0, 2.0, 3.0]) == (1.0, 3.0)
    ordinary = [float(index) for index in range(100)]
    low, high = without_outliers(ordinary)
    assert 0 <= low < 3
    assert 96 < high <= 99, "never wider than the values are"


def test_the_y_axis_fits_what_is_in_view():
    series = line([100.0, 1.0, 2.0, 3.0, 50.0])
    assert y_range([series], (1.0, 3.0)) == (1.0, 3.0)
    assert y_range([series], (0.0, 4.0)) == (1.0, 100.0)
    assert y_range([series], (7.0, 9.0)) == (1.0, 100.0), "all of it where none is in view"
    assert y_range([line([5.0, 5.0])], (0.0, 1.0)) == (4.5, 5.5)
    assert y_range([series], (1.0, 3.0), ceiling=80.0) == (0.0, 80.0)
    raw = line([1.0, 1.0], raw_xs=(0.0, 1.0), raw=(0.0, 9.0))
    assert y_range([raw], (0.0, 1.0)) == (0.0, 9.0)


def test_a_column_of_the_chart_and_its_x_are_each_others():
    drawing, drawn = picture(Panel("loss", "loss", (line(range(101)),)))
    for x in (0.0, 37.0, 100.0):
        column = drawing.canvas.column_of(x) + drawing.left
        assert drawing.x_of(column) == pytest.approx(x, abs=100 / drawing.canvas.width)
    assert drawing.x_of(0) is None
    assert all(len(row) == 40 for row in drawn)


def test_words_of_the_x_axis():
    assert place_in_words("step", 1200) == "step 1,200"
    assert place_in_words("time", 221) == "3m41s of training"
    assert clock_time(math.nan) == "–"
    assert clock_time(1_700_000_000.0, 86_400 * 9).split()[0].isdigit()
    labels = [text for _, text in x_ticks("wall", 1_700_000_000.0, 1_700_003_600.0, count=4)]
    assert 2 <= len(labels) <= 5
    assert all(text.endswith("0") and ":" in text for text in labels), labels


def test_metrics_are_wanted_by_words_of_their_name_or_title():
    names = ("loss", "knn", "rank_h", "rank_z", "gpu_allocated", "[/bold]\x1b")
    assert matching(names, "") == names
    assert matching(names, "LOSS accuracy") == ("loss", "knn")
    assert matching(names, "rank_?") == ("rank_h", "rank_z")
    assert matching(names, "-rank* -gpu") == ("loss", "knn", "[/bold]\x1b")
    assert matching(names, "[/") == ("[/bold]\x1b",)
    assert matching(names, "nothing") == ()
    assert matching(names, "-") == names


@pytest.mark.parametrize("ys", [[1e308, -1e308, 0], [5e-324, 1e308], [1e308, 1e308], [0.0, 0.0], [-1.0], [NAN, 3.0]])
@pytest.mark.parametrize("style", [{}, {"log": True}, {"clip": True}, {"fine": False}, {"letters": True}])
@pytest.mark.parametrize("size", [(8, 3), (40, 12), (300, 90)])
def test_any_numbers_can_be_drawn_in_any_size(ys, style, size):
    panel = Panel("loss", "loss", (line(ys, best=(0.0, ys[0])),), ceiling=100.0)
    if drawable(panel, style.get("log", False)):
        _, drawn = picture(panel, *size, **style)
        assert all(len(row) == size[0] for row in drawn)


def test_values_measured_seldom_are_points_and_those_of_every_step_a_line():
    from simclr_tui.tui.charts.render import PLAIN, cells, draw
    from simclr_tui.tui.feed.messages import Panel, Series

    def drawn(count):
        xs = tuple(float(100 * index / (count - 1)) for index in range(count))
        series = Series("a", "#3b8eea", xs, tuple(x * x for x in xs))
        drawing = draw(
            Panel("knn", "kNN", (series,)), [series], width=60, height=12, style=PLAIN, fade={"#3b8eea": "#000000"}
        )
        return "".join(char for row in range(10) for char, _ in cells(drawing, row))

    assert drawn(5).count("•") == 5
    assert drawn(400).count("•") == 0


def test_a_reference_line_is_dashed_and_named_where_it_hides_nothing():
    panel = Panel("knn", "kNN", (line([10, 20, 30, 40]),), references=((10.0, "chance"), (80.0, "best: other")))
    drawing, drawn = picture(panel)
    assert drawing.y_labels[0] == "80", "the axis reaches to the best run"
    assert "┄ best: other ┄" in drawn[drawing.top]
    named = next(row for row in drawn if "chance" in row)
    assert "•" in "".join(drawn), "a dashed line leaves the measured points alone"
    assert named.count("┄") > 10
    _, zoomed = picture(Panel("knn", "kNN", panel.series, references=panel.references, whole=False))
    assert "best: other" not in "".join(zoomed)


@pytest.mark.parametrize(("ys", "room"), [([10, 20, 30, 40], 40), ([20, 60, 60, 60, 60, 20, 20, 20], 16)])
def test_a_reference_line_has_its_name_in_as_much_room_as_there_is(ys, room):
    name = "best: resnet18-cifar10-a-long-name-that-ends-in-two"
    _, lines = picture(Panel("knn", "kNN", (line(ys),), references=((60.0, name),)), width=46)
    shown = next(one for one in lines if "best:" in one)
    words = shown[shown.index("best:") :].split("┄")[0].strip()
    assert words.endswith("two")
    assert "…" in words
    assert 10 <= len(words) <= room


def test_lines_of_one_machine_carry_the_first_letters_of_their_names():
    panel = Panel("m", "RAM GB", (line(range(50), "machine"), line(range(50, 0, -1), "run", BLUE)), initials=True)
    text = "\n".join(picture(panel)[1])
    assert text.count("m") == text.count("r") == 2
    assert "a" not in text


@pytest.mark.parametrize("height", [7, 8])
def test_a_chart_of_any_height_fills_it_with_its_axes_at_the_bottom(height):
    _, drawn = picture(Panel("loss", "loss", (line(range(50)),)), height=height)
    assert len(drawn) == height
    assert "└" in drawn[-2]
    assert len({len(row) for row in drawn}) == 1
