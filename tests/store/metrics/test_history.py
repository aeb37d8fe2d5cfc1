"""The metric log read while it is written: attempts joined, torn tails left, damage skipped and counted."""

from __future__ import annotations

import json
import math
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simclr_tui.paths import RunPaths
from simclr_tui.store.metrics import history as module
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.writer import MetricWriter
from simclr_tui.store.run import Run
from tests.run_factory import make_run, metric_line, write_metrics


@pytest.fixture(autouse=True, scope="module", params=["one by one", "in batches"])
def _road(request):
    """Both ways of reading lines keep every promise made here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BATCH_FROM", 0 if request.param == "in batches" else 1 << 60)
        patch.setattr(module, "_SMALLEST_BATCH", 1)
        yield


def read(paths: RunPaths, budget: int | None = None) -> History:
    history = History(paths)
    while history.poll(budget):
        pass
    return history


def content(history: History) -> object:
    """Everything a history tells, comparable (NaN as None)."""
    columns = {
        name: (list(column.rows), [None if math.isnan(value) else value for value in column.values])
        for name, column in history.columns.items()
        if column.rows
    }
    return list(history.step), list(history.epoch), list(history.time), columns


def lines_of(steps: range) -> list[bytes]:
    return [metric_line(step, loss=5.0 - step / 100, lr=0.1) for step in steps]


def test_a_run_without_metrics_has_an_empty_history(tmp_path):
    history = History(RunPaths(tmp_path))
    assert not history.poll()
    assert history.points("loss") == ([], [])
    assert history.last("loss") is None
    assert history.best("loss", highest=False) is None
    (tmp_path / "attempt-0001").mkdir()
    assert not history.poll()
    write_metrics(RunPaths(tmp_path), 1, lines_of(range(1, 4)))
    assert history.poll()
    assert history.points("loss").steps == [1, 2, 3]


def test_what_the_writer_writes_is_read_back(tmp_path):
    paths = RunPaths(tmp_path)
    paths.attempt(1).root.mkdir()
    writer = MetricWriter(paths.attempt(1))
    writer.write(0, 0.0, 0.0, values={"knn": 0.31})
    writer.write(1, 0.005, 0.25, values={"loss": 5.5, "grad_norm": math.inf, "gpu_allocated": 123_456_789_012})
    writer.write(2, 0.01, 0.5, values={"loss": math.nan, "grad_norm": 1.5})
    writer.close()
    history = read(paths)
    assert list(history.step) == [0, 1, 2]
    assert list(history.epoch) == [0.0, 0.005, 0.01]
    assert list(history.time) == [0.0, 0.25, 0.5]
    assert history.points("knn") == ([0], [0.31])
    assert history.points("gpu_allocated").values == [123_456_789_012]
    assert math.isnan(history.points("loss").values[1])
    assert math.isnan(history.points("grad_norm").values[0])
    assert history.last("loss") == 5.5
    assert history.damaged == 0


def test_the_later_attempt_wins_from_its_first_step(tmp_path):
    paths = RunPaths(tmp_path)
    write_metrics(paths, 1, [metric_line(step, loss=1.0, only=1.0) for step in range(1, 11)])
    write_metrics(paths, 2, [metric_line(step, loss=2.0) for step in range(6, 9)])
    write_metrics(paths, 3, [metric_line(step, loss=3.0) for step in range(8, 13)])
    history = read(paths)
    assert list(history.step) == list(range(1, 13))
    assert history.points("loss").values == [1.0] * 5 + [2.0] * 2 + [3.0] * 5
    assert history.points("only").steps == [1, 2, 3, 4, 5]
    assert list(history.time) == sorted(history.time)
    # Attempt 2 goes on from the 0.05 s of step 5, attempt 3 from the end of attempt 2's step 7.
    assert history.time[5] == pytest.approx(0.05 + 0.06)
    assert history.time[7] == pytest.approx(0.05 + 0.07 + 0.08)


def test_an_evaluation_that_a_resume_catches_up_on_leaves_its_steps_figures(tmp_path):
    """Stopped in the evaluation after step 2, resumed, killed in step 4, resumed from the same checkpoint."""
    paths = RunPaths(tmp_path)
    write_metrics(paths, 1, [metric_line(0, knn=0.1), metric_line(1, loss=3.0), metric_line(2, loss=2.0)])
    write_metrics(paths, 2, [metric_line(2, knn=0.5), metric_line(3, loss=1.5)])
    write_metrics(paths, 3, [metric_line(2, knn=0.5), metric_line(3, loss=1.5), metric_line(4, loss=1.0)])
    history = read(paths)
    assert history.points("loss") == ([1, 2, 3, 4], [3.0, 2.0, 1.5, 1.0])
    assert history.points("knn") == ([0, 2], [0.1, 0.5])
    write_metrics(paths, 4, [metric_line(0, knn=0.1), metric_line(1, loss=9.0)])
    assert read(paths).points("loss") == ([1], [9.0])
    assert read(paths).points("knn") == ([0], [0.1])


def test_an_attempt_that_appears_while_looking_is_found_even_after_a_missing_number(tmp_path):
    paths = RunPaths(tmp_path)
    write_metrics(paths, 1, lines_of(range(1, 4)))
    write_metrics(paths, 5, lines_of(range(4, 6)))
    (tmp_path / "attempt-²").mkdir()
    (tmp_path / "attempt-7").mkdir()
    history = read(paths)
    write_metrics(paths, 6, lines_of(range(6, 8)))
    assert history.poll()
    assert list(history.step) == [1, 2, 3, 4, 5, 6, 7]
    assert [attempt.number for attempt in paths.attempts()] == [1, 5, 6]


def test_a_resume_seen_live_takes_back_what_it_tells_again(tmp_path):
    paths = RunPaths(tmp_path)
    write_metrics(paths, 1, lines_of(range(1, 101)))
    history = read(paths)
    assert history.columns["loss"].extremes.range(0, 100) == (4.0, 4.99)
    write_metrics(paths, 2, [metric_line(step, loss=9.0) for step in range(41, 44)])
    history.poll()
    assert history.step[-1] == 43
    assert history.columns["loss"].extremes.range(0, 43) == (4.6, 9.0)
    assert content(history) == content(read(paths))


DAMAGE = st.one_of(
    st.binary(min_size=1, max_size=200).map(lambda data: data.replace(b"\n", b"\xff")),
    st.just(b"\0" * 512),
    st.sampled_from(
        [
            "naïve".encode("utf-16"), b'{"step": 3', b"null", b"[]", b"{}", b'"x"', b"1", b'{"step": {"a": 1}}',
            b"{" * 9000, b"[" * 100_000, b'{"step":' * 5000, b'{"step": null, "epoch": 0, "time": 0}', b"{'step': 1}",
            b"\xef\xbb\xbf{}",
            b'{"step": 1e300, "epoch": 0, "time": 0, "loss": 1}', b'{"step": -1, "epoch": 0, "time": 0}',
            b'{"step": 1e19, "epoch": 0, "time": 0, "loss": 1}', b'{"step": 2.5, "epoch": 0, "time": 0}',
            b'{"step": 1, "epoch": 0}', b'{"step": 1, "epoch": NaN, "time": 0}', b'{"st\xffep": 1}',
            b'{"step": 1e999, "epoch": 0, "time": 0}', b'{"step": 3, "epoch": 0, "time": 0, "loss": "high"}',
            b'{"step": 3, "epoch": 0, "time": 0, "loss": [1, 2]}', b'{"step": 3, "epoch": 0, "time": 0, "loss": true}',
            b'{"x": "' + b"y" * 3_000_000 + b'"}',
        ]
    ),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    damages=st.lists(st.tuples(st.integers(0, 30), DAMAGE), max_size=6), budget=st.sampled_from([None, 1, 100, 5000])
)
def test_damaged_lines_are_skipped_and_counted_and_good_ones_all_served(tmp_path_factory, damages, budget):
    paths = RunPaths(tmp_path_factory.mktemp("run"))
    good = lines_of(range(1, 31))
    lines = list(good)
    for at, damage in sorted(damages, key=lambda pair: pair[0], reverse=True):
        lines.insert(at, damage)
    write_metrics(paths, 1, lines)
    history = read(paths, budget)
    assert list(history.step) == list(range(1, 31))
    assert history.points("loss").values == [5.0 - step / 100 for step in range(1, 31)]
    expected = sum(part.strip() != b"" for _, damage in damages for part in damage.splitlines())
    assert history.damaged == expected


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_bytes_overwritten_anywhere_never_raise_and_cost_few_lines(tmp_path_factory, data):
    paths = RunPaths(tmp_path_factory.mktemp("run"))
    path = write_metrics(paths, 1, lines_of(range(1, 41)))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=40))
    content[at : at + len(noise)] = noise[: len(content) - at]
    path.write_bytes(content)
    history = read(paths)
    touched = bytes(content[at : at + len(noise)]).count(b"\n") + 4
    assert len(set(range(1, 41)) - set(history.step)) <= touched
    assert list(history.step) == sorted(history.step)


@pytest.mark.parametrize(("wrong", "good"), [(9020, 39), (2, 39)])
def test_one_wrong_step_costs_its_own_line_only(tmp_path, wrong, good):
    lines = lines_of(range(1, 41))
    lines[19] = metric_line(wrong, loss=0.0)
    write_metrics(RunPaths(tmp_path), 1, lines)
    history = read(RunPaths(tmp_path))
    assert list(history.step) == [step for step in range(1, 41) if step != 20]
    assert len(history.points("loss").values) == good
    assert history.damaged == 1
    assert history.columns["loss"].extremes.range(0, good)[0] == pytest.approx(4.6)


LINES = st.lists(
    st.tuples(st.integers(0, 3), st.dictionaries(st.sampled_from(["loss", "knn", "lr"]), st.none() | st.floats(-5, 5))),
    max_size=20,
)


@settings(max_examples=200, deadline=None)
@given(
    attempts=st.lists(st.tuples(st.integers(0, 15), LINES), min_size=1, max_size=4),
    budgets=st.lists(st.integers(1, 300), min_size=1, max_size=5),
)
def test_budgets_and_live_tailing_end_where_one_read_does(tmp_path_factory, attempts, budgets):
    """Against a model: each attempt forgets what is at or after its first step, then adds its lines; one that begins
    with an evaluation keeps that step's own figures."""
    paths = RunPaths(tmp_path_factory.mktemp("run"))
    live = History(paths)
    model: list[tuple[int, dict[str, float | None]]] = []
    for number, (first, lines) in enumerate(attempts, start=1):
        step, written = first, []
        for ahead, values in lines:
            step += ahead
            written.append((step, values))
        if written:
            at, begins_with = written[0]
            kept = [row for row in model if row[0] < at]
            kept += [row for row in model if row[0] == at][:1] if "loss" not in begins_with else []
            model = (kept if not kept or kept[-1][0] < at or "loss" in kept[-1][1] else kept[:-1]) + written
        data = [
            json.dumps({"step": at, "epoch": at / 10, "time": at / 100, **values}).encode() for at, values in written
        ]
        write_metrics(paths, number, data)
        for budget in budgets:
            live.poll(budget)
    while live.poll(budgets[0]):
        pass
    once = read(paths)
    assert content(live) == content(once)
    assert list(once.step) == [at for at, _ in model]
    for name in ("loss", "knn", "lr"):
        expected = [(at, values[name]) for at, values in model if name in values]
        points = once.points(name)
        found = [(at, None if math.isnan(value) else value) for at, value in zip(*points, strict=True)]
        assert found == expected


def test_a_budget_bounds_what_one_poll_reads(tmp_path):
    paths = RunPaths(tmp_path)
    write_metrics(paths, 1, lines_of(range(1, 1001)))
    history = History(paths)
    assert history.poll(1000)
    assert 5 <= len(history.step) <= 20
    assert history.behind
    reads = 1
    while history.behind and history.poll(1000):
        reads += 1
    assert 50 < reads < 200
    assert len(history.step) == 1000


def test_what_grew_a_little_is_read_in_one_turn(tmp_path):
    paths = RunPaths(tmp_path)
    write_metrics(paths, 1, lines_of(range(1, 11)))
    history = History(paths)
    assert history.poll(100_000)
    assert not history.behind
    write_metrics(paths, 2, [*lines_of(range(11, 13)), b'{"step": 13, "lo'])
    assert history.poll(100_000)
    assert not history.behind
    assert list(history.step) == list(range(1, 13))


def test_best_and_last_pass_over_what_is_no_number(tmp_path):
    values = [0.3, None, 0.9, 0.5, None]
    write_metrics(RunPaths(tmp_path), 1, [metric_line(10 * i, knn=value) for i, value in enumerate(values)])
    history = read(RunPaths(tmp_path))
    assert history.best("knn", highest=True) == (20, 0.9)
    assert history.best("knn", highest=False) == (0, 0.3)
    assert history.last("knn") == 0.5


def test_what_is_measured_of_embeddings_that_are_not_finite_is_no_best(tmp_path):
    """Leave out the 100 % that a trainer has written for views that are all not-a-number: each is as near as any."""
    paths = make_run(tmp_path).paths
    sound = [metric_line(step, loss=5.0, contrastive_top1=0.25, images_per_s=30.0) for step in range(1, 41)]
    lost = [metric_line(step, loss=None, contrastive_top1=1.0, images_per_s=90.0) for step in range(41, 46)]
    write_metrics(paths, 1, [*sound, *lost])
    history = read(paths)
    assert history.best("contrastive_top1", highest=True)[1] == history.last("contrastive_top1") == 0.25
    assert history.best("images_per_s", highest=True)[1] == 90.0, "which says nothing of the embeddings"


def test_a_folder_that_may_not_be_read_is_an_empty_history(tmp_path):
    paths = RunPaths(tmp_path)
    paths.attempt(1).metrics.mkdir(parents=True)
    assert not History(paths).poll()
    assert not History(RunPaths(Path("/nowhere"))).poll()
    assert Run(tmp_path).history().damaged == 0


def test_odd_lines_among_many_cost_themselves_only(tmp_path, monkeypatch):
    """Damage, nulls, new metrics, names that no field can have and steps that fall, far apart in a long log."""
    lines = lines_of(range(1, 5001))
    for at, odd in {
        700: b"{",
        1200: metric_line(1201, **{"knn": 0.5, 'na"me': 1.0}),
        1900: metric_line(1901, loss=None),
        2400: b"",
        3000: metric_line(9, loss=0.0),
        3001: b'{"step": 3002, "epoch": 1, "time": 1}{"step": 3002, "epoch": 1, "time": 1}',
        4100: metric_line(4101, loss=7.0, other=2.0),
        4998: metric_line(4999, other=None),
    }.items():
        lines[at] = odd
    write_metrics(RunPaths(tmp_path), 1, lines)
    batched = []
    append = module.History._append
    monkeypatch.setattr(module.History, "_append", lambda *to: (batched.append(len(to[2].step)), append(*to)))
    history = read(RunPaths(tmp_path))
    assert list(history.step) == [step for step in range(1, 5001) if step not in (701, 2401, 3001, 3002)]
    assert history.damaged == 3
    assert history.points("knn") == ([1201], [0.5])
    assert history.points('na"me') == ([1201], [1.0])
    assert history.points("other").steps == [4101, 4999]
    steps, values = history.points("loss")
    assert [step for step, value in zip(steps, values, strict=True) if math.isnan(value)] == [1901]
    assert steps == [step for step in history.step if step not in (1201, 4999)]
    assert history.best("loss", highest=True) == (4101, 7.0)
    assert sum(batched) > 4900 or module._BATCH_FROM


def test_a_best_value_that_came_twice_is_the_first_of_the_lowest_and_the_last_of_the_highest(tmp_path):
    write_metrics(RunPaths(tmp_path), 1, [metric_line(step, loss=float(step % 3)) for step in range(9)])
    history = read(RunPaths(tmp_path))
    assert history.best("loss", highest=False) == (0, 0.0)
    assert history.best("loss", highest=True) == (8, 2.0)


def test_what_has_no_newline_takes_no_memory_and_hides_no_later_line(tmp_path):
    """A file system may leave gigabytes of zeros where a machine lost its power."""
    run = make_run(tmp_path)
    path = run.paths.attempt(1).metrics
    write_metrics(run.paths, 1, [metric_line(step, loss=1.0) for step in range(3)])
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + 200_000_000)
        file.seek(0, 2)
        file.write(b"\n" + metric_line(7, loss=0.5) + b"\n")
    tracemalloc.start()
    try:
        history = History(run.paths)
        history.poll()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert list(history.step) == [0, 1, 2, 7]
    assert history.damaged == 1
    assert peak < 40_000_000
