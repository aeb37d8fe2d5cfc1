"""Points in cells: nothing is lost, the frequent class is shown, and every point can be reached."""

from __future__ import annotations

import random

import pytest

from simclr_tui.display.scatter import Scatter, class_mark, nearest


def text(lines):
    return ["".join(mark for mark, _ in line) for line in lines]


def test_corners_axes_and_marks():
    points = [(0.0, 0.0, 0), (1.0, 1.0, 1), (1.0, 0.0, 11), (0.0, 1.0, -1)]
    drawn = text(Scatter(points, 5, 3).draw())
    assert drawn == ["│.  1", "│0  b", "└────"]
    assert text(Scatter(points, 5, 3).draw(unicode=False))[2] == "+----"


@pytest.mark.parametrize("size", [(2, 2), (3, 9), (80, 24), (200, 60)])
def test_every_point_has_a_cell_inside(size):
    draw = random.Random(0)
    points = [(draw.gauss(0, 1), draw.gauss(0, 9), draw.randrange(5)) for _ in range(500)]
    scatter = Scatter(points, *size)
    lines = scatter.draw()
    assert [len("".join(mark for mark, _ in line)) for line in lines] == [size[0]] * size[1]
    for (x, y), (_, _, label) in zip(scatter.places(), points, strict=True):
        assert 1 <= x < size[0]
        assert 0 <= y < size[1] - 1
        assert lines[y][x][0] != " ", label


def test_the_most_frequent_class_of_a_cell_is_shown_and_one_class_can_be_brought_out():
    scatter = Scatter([(0, 0, 0), (0, 0, 1), (0, 0, 1), (9, 9, 2)], 12, 6)
    x, y = scatter.places()[0]
    assert scatter.draw()[y][x][0] == "1"
    assert scatter.draw(only=0)[y][x][0] == "0"
    assert scatter.draw(only=2)[y][x] == (".", "dim")
    assert "reverse" in scatter.draw(cursor=0)[y][x][1]


def test_equal_points_and_none_at_all_are_drawn():
    assert text(Scatter([(1.0, 1.0, 0)] * 3, 6, 3).draw())[1] == "│0    "
    assert text(Scatter([], 4, 2).draw()) == ["│   ", "└───"]


def test_a_class_has_a_letter_and_a_colour_of_its_own_as_far_as_there_are_letters():
    assert len({class_mark(index)[0] for index in range(62)}) == 62
    assert class_mark(-1) == (".", "")


def test_arrows_reach_every_point():
    draw = random.Random(1)
    points = [(draw.random(), draw.random(), 0) for _ in range(60)]
    places = Scatter(points, 40, 16).places()
    seen, queue = {0}, [0]
    while queue:
        at = queue.pop()
        for across, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            to = nearest(places, at, across=across, down=down)
            if to not in seen:
                seen.add(to)
                queue.append(to)
    assert seen == set(range(60))
