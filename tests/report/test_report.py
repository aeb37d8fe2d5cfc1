"""A report is one file that says what was asked, what came out and how to repeat it; it trusts no word from outside."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec
import pytest

from simclr_tui.errors import NotFoundError, RecipeError
from simclr_tui.recipe.fields import fields
from simclr_tui.recipe.resolve import resolve
from simclr_tui.report.as_html import as_html
from simclr_tui.report.as_markdown import as_markdown
from simclr_tui.report.blocks import Heading, Paragraph, Pictures, Report, Table
from simclr_tui.report.curves import draw_curves
from simclr_tui.report.make import make_report, runs_of_sweep
from simclr_tui.report.origins import recipe_words
from simclr_tui.report.write import check_report
from simclr_tui.store.energy import Energy, write_energy
from simclr_tui.store.evaluations import Evaluation, SeedResult, save_evaluation
from simclr_tui.store.run import Trial
from simclr_tui.store.store import Store
from simclr_tui.sweep.folder import Sweep
from tests.run_factory import make_run, metric_line, write_metrics

HOSTILE = "<script>alert(1)</script>](javascript:x) | *b* `c` & \x1b[2J"


def trained(root, name, flags=None, *, knn=0.5, note=""):
    run = make_run(
        root, name, flags=flags, note=note, summary={"knn": knn}, facts={"device": "CPU", "test_images": 100}
    )
    lines = [metric_line(0, knn=0.1), metric_line(1, loss=5.0), metric_line(2, loss=4.0, knn=knn)]
    write_metrics(run.paths, 1, lines)
    return run


def evaluated(run, *, classes):
    result = [SeedResult(seed=0, top1=0.75, top5=0.9)]
    confusion = [[3, 1], [1, 3]]
    save_evaluation(run.paths, Evaluation(
        name="linear", protocol="linear", data="shapes", subset=0, step=2, epoch=1.0, checkpoint="c", encoder="e",
        frozen=True, classes=classes, train_images=8, test_images=8, hyperparameters={}, results=result,
        confusion=confusion, device="cpu", precision="fp32", versions={}, seconds=1.0, wall=1.0,
    ))  # fmt: skip


class Page(HTMLParser):
    """What a browser would make of a file: its elements, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.attributes = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]

    def handle_data(self, data):
        self.text += f" {data}"


@pytest.fixture
def report(tmp_path):
    runs = [
        trained(tmp_path, "a", {"seed": 0}, knn=0.5, note=HOSTILE),
        trained(tmp_path, "b", {"seed": 1}, knn=0.6),
        trained(tmp_path, "c", {"seed": 0, "temp": 0.1}, knn=0.9),
    ]
    evaluated(runs[0], classes=[HOSTILE, "dog"])
    write_energy(runs[0].paths.attempt(1), Energy(gpu=7200.0, gpu_seconds=60.0))
    return make_report(runs, images=False)


def test_a_page_holds_results_intervals_recipes_curves_evaluations_cost_and_commands(report):
    page = Page(as_html(report))
    words = " ".join(page.text.split())
    for heading in ("Results", "Recipes", "Curves", "Evaluations", "Hardware and cost", "How to repeat it"):
        assert heading in words
    assert "55.0 ± 7.1%" in words, "the mean and the sample deviation over the two seeds"
    assert "0.0% to 100.0%" in words, "the 95% interval of two seeds is wide, and a share ends at 0 and 1"
    assert "2 Wh" in words
    assert "75.0%" in words
    assert "simclr run --preset quick --temp 0.1" in words
    assert page.tags.count("svg") == 2
    assert "This file holds no images of the data." in words


def test_fields_that_differ_stand_apart_from_those_that_every_run_shares(report):
    differ, shared = (block for block in report.blocks if isinstance(block, Table) and block.titles[0] == "field")
    assert (list(differ.titles), list(shared.titles)) == (
        ["field", "a", "b", "c", "paper"],
        ["field", "every run", "paper"],
    )
    assert [row[:4] for row in differ.rows if row[0] in ("temp", "seed")] == [
        ["temp", "0.5", "0.5", "0.1"],
        ["seed", "0", "1", "0"],
    ]
    assert not {row[0] for row in differ.rows} & {row[0] for row in shared.rows}


def test_an_image_is_not_torn_from_its_views():
    pictures = Pictures([(f"{number}", b"png") for number in range(6)], together=3)
    groups = as_html(Report("r", [pictures])).split("<span>")[1:]
    assert [re.findall(r"<figcaption>(\d)", group) for group in groups] == [["0", "1", "2"], ["3", "4", "5"]]


def test_a_page_loads_and_runs_nothing_whatever_the_runs_say(report):
    text = as_html(report)
    page = Page(text)
    assert "script" not in page.tags
    assert not any(key.startswith("on") for _, key, _ in page.attributes)
    assert not [value for _, key, value in page.attributes if key in ("src", "href") and not value.startswith("data:")]
    assert "default-src 'none'" in text
    assert "<script>alert(1)</script>" in page.text, "it is text that says what the user said"
    assert "\x1b" not in text


def test_markdown_is_a_table_whatever_the_cells_say(report):
    text = as_markdown(report)
    assert "<script" not in text.replace(r"\<script", "")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    cells = {len(re.split(r"(?<!\\)\|", line)) for line in tables if "linear" in line and "shapes" in line}
    assert cells == {10}
    assert not re.search(r"(?<!\\)\]\(javascript", text)
    assert text.count("](data:image/svg+xml;base64,") == 2


def test_every_writer_knows_every_block():
    blocks = [Heading("h"), Paragraph("p"), Table(["", "x *"], [["r", "1 *"]], [[None, 0.5]])]
    page = Page(as_html(Report("t", blocks)))
    assert {"h1", "h2", "p", "table", "b"} <= set(page.tags)
    assert as_markdown(Report("t", blocks)).startswith("# t\n\n## h\n\np\n\n|  | x \\* |\n| --- | ---: |\n")


def test_curves_are_well_formed_and_lie_inside_the_axes(tmp_path):
    named = [(f"r{n}", trained(tmp_path, f"r{n}", knn=0.1 * n).history()) for n in range(14)]
    for metric in ("loss", "knn"):
        drawn = ElementTree.fromstring(draw_curves(named, metric))
        points = [
            tuple(map(float, point.split(",")))
            for line in drawn.iter("{http://www.w3.org/2000/svg}polyline")
            for point in line.get("points").split()
        ]
        assert len(points) == 28
        assert all(56 <= x <= 548 and 26 <= y <= 266 for x, y in points)
        assert "and 2 more" in "".join(drawn.itertext())
    assert draw_curves(named, "nothing") == ""


@pytest.mark.parametrize("values", [[1.0], [3.0, 3.0], [0.0, 0.0], [-1e9, 1e9], [1e-9, 2e-9]])
def test_curves_of_any_range_have_axes_around_them(tmp_path, values):
    run = make_run(tmp_path, "r")
    write_metrics(run.paths, 1, [metric_line(step, loss=value) for step, value in enumerate(values, start=1)])
    text = draw_curves([("r", run.history())], "loss")
    assert "nan" not in text
    assert ElementTree.fromstring(text) is not None


@pytest.mark.parametrize("flags", [{}, {"temp": 0.1, "bs": 64}, {"optimizer": "adam"}, {"l2": False, "seed": 7}])
def test_the_command_that_repeats_a_run_gives_its_recipe(tmp_path, flags):
    run = make_run(tmp_path, "r", flags=flags)
    preset, *words = recipe_words(run)[1:]
    given = dict(parsed(words))
    assert resolve(preset, flags=given).recipe == run.recipe
    assert len(given) <= 8, "only what differs is said"


def parsed(words):
    """Yield what a command line gives each field."""
    flags = {form: item for item in fields() for form in item.flag.split("/")}
    rest = iter(words)
    for word in rest:
        item = flags[word]
        yield item.key, word == item.flag.split("/")[0] if item.type is bool else item.parse(next(rest))


def test_a_sweep_is_reported_by_its_runs_in_the_order_of_trials(tmp_path):
    for name, trial in (("x", 1), ("y", 0), ("z", None)):
        run = trained(tmp_path, name, {"temp": 0.1 + (trial or 0)})
        mark = None if trial is None else Trial(sweep="s", number=trial)
        run.write_info(msgspec.structs.replace(run.info, trial=mark))
    sweep = Sweep(name="s", sampler="grid", trials=2, seeds=(0,), listed=({"temp": 0.1},), title="does τ matter?")
    runs = runs_of_sweep(Store(tmp_path), sweep)
    assert [run.name for run in runs] == ["y", "x"]
    words = Page(as_html(make_report(runs, sweep=sweep, images=False))).text
    assert "Sweep s" in words
    assert "does τ matter?: temp; sampler grid." in words
    with pytest.raises(NotFoundError, match="no trial"):
        runs_of_sweep(Store(tmp_path), msgspec.structs.replace(sweep, name="t"))


def test_a_target_of_another_kind_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"\.html or \.md"):
        check_report(tmp_path / "r.pdf")


def test_the_command_writes_the_file_and_says_which_images_it_holds(tmp_path):
    trained(tmp_path, "a", {"data": "shapes", "subset": 64, "image_size": 16, "width": 0.125})
    target = tmp_path / "r.html"
    command = [sys.executable, "-m", "simclr_tui", "report", "a", "-o", str(target), "--runs", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    page = Page(target.read_text(encoding="utf-8"))
    assert page.tags.count("img") == 12
    assert "This file holds 4 training images of shapes, with two views each." in page.text
