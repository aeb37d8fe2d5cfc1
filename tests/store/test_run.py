"""run.json, events and words of a run, written by this version or another."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simclr_tui.errors import NotFoundError, RecipeError, StoreError
from simclr_tui.store.events import EventLog, read_events
from tests.run_factory import make_run, metric_line, write_metrics


def test_tags_and_note_are_edited_without_losing_what_a_newer_version_wrote(tmp_path):
    run = make_run(tmp_path, tags=["a"], note="before")
    known = msgspec.json.decode(run.paths.info.read_bytes())
    run.paths.info.write_bytes(msgspec.json.encode(known | {"sweep": {"id": 7}, "starred": True}))
    run.write_info(msgspec.structs.replace(run.info, tags=["a", "b"], note="after"))
    assert (run.info.tags, run.info.note) == (["a", "b"], "after")
    written = msgspec.json.decode(run.paths.info.read_bytes())
    assert written["sweep"] == {"id": 7}
    assert written["starred"] is True
    assert b"\n" in run.paths.info.read_bytes(), "laid out for people"


def test_a_run_of_another_major_format_is_refused_politely(tmp_path):
    run = make_run(tmp_path)
    run.paths.info.write_bytes(b'{"format": 2, "version": "9.1", "name": {"changed": "shape"}}')
    with pytest.raises(StoreError, match=r"newer simclr-tui \(9.1\)") as caught:
        run.info  # noqa: B018
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b'{"format": "x"}', b'{"format": 1, "note": "\xff"}', b'{"x":' + b"[" * 10**6]
)
def test_a_damaged_run_json_is_refused_in_a_sentence_and_can_be_replaced(tmp_path, content):
    run = make_run(tmp_path)
    info = run.info
    run.paths.info.write_bytes(content)
    with pytest.raises(StoreError, match=r"no readable run\.json"):
        run.info  # noqa: B018
    run.write_info(info)
    assert run.info == info


def test_a_damaged_recipe_is_refused_in_a_sentence(tmp_path):
    run = make_run(tmp_path)
    run.paths.recipe.write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match=r"recipe\.toml"):
        run.recipe  # noqa: B018
    run.paths.recipe.write_text("[recipe]\nlr = -1.0")
    with pytest.raises(RecipeError, match="damaged"):
        run.recipe  # noqa: B018
    run.paths.recipe.unlink()
    with pytest.raises(StoreError, match=r"recipe\.toml"):
        run.recipe  # noqa: B018


def test_a_metric_is_read_across_attempts_or_named_as_missing(tmp_path):
    run = make_run(tmp_path)
    with pytest.raises(NotFoundError, match="none yet"):
        run.metric("loss")
    write_metrics(run.paths, 1, [metric_line(step, loss=1.0) for step in (1, 2, 3)])
    write_metrics(run.paths, 2, [metric_line(step, loss=2.0, knn=0.5) for step in (3, 4)])
    assert run.metric("loss") == ([1, 2, 3, 4], [1.0, 1.0, 2.0, 2.0])
    with pytest.raises(NotFoundError, match="it has: knn, loss"):
        run.metric("accuracy")


def test_events_of_all_attempts_in_order_and_damage_passed_over(tmp_path):
    run = make_run(tmp_path)
    first = EventLog(run.paths.attempt(1))
    first.write("started")
    first.write("checkpoint", "saved", step=10, bytes=123)
    first.close()
    with run.paths.attempt(1).events.open("ab") as file:
        file.write(b'\xff\xfe\n{"event": 3}\n{"event":"x","wall":1,"y":' + b"[" * 100_000 + b'\n{"event": "torn')
    supervisor = EventLog(run.paths.attempt(1))
    supervisor.write("failed", "killed by SIGKILL", step=12)
    supervisor.close()
    run.paths.attempt(2).root.mkdir()
    second = EventLog(run.paths.attempt(2))
    second.write("started")
    second.close()
    found = [(event.attempt, event.event, event.step) for event in run.events]
    assert found == [(1, "started", None), (1, "checkpoint", 10), (1, "failed", 12), (2, "started", None)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_events_of_any_bytes_never_raise(tmp_path_factory, lines):
    run = make_run(tmp_path_factory.mktemp("runs"))
    run.paths.attempt(1).events.write_bytes(b"\n".join(lines) + b'\n{"event": "finished", "wall": 1.5}\n')
    assert read_events(run.paths)[-1].event == "finished"


def test_logs_are_listed_where_they_exist(tmp_path):
    run = make_run(tmp_path)
    assert run.log_files() == []
    run.paths.attempt(1).log.write_text("hello")
    assert run.log_files() == [run.paths.attempt(1).log]
