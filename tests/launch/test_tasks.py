"""Work beside whoever asks: it can be ended, and what went wrong comes back as our error."""

from __future__ import annotations

import threading

import pytest

from simclr_tui.errors import CancelledError, CheckpointError, SimclrError
from simclr_tui.launch.cancel import Cancel
from simclr_tui.launch.evaluation import check_evaluation, evaluate_quietly
from simclr_tui.launch.tasks import project
from tests.run_factory import make_run
from tests.training import tiny_run, train_in_process, until


@pytest.fixture(scope="module")
def run(tmp_path_factory, shared_data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMCLR_DATA", str(shared_data))
        run = tiny_run(tmp_path_factory.mktemp("aside") / "runs", epochs=1)
        assert train_in_process(run).returncode == 0
    return run


def test_work_that_is_cancelled_ends_at_once(run):
    cancel, ended = Cancel(), []

    def work():
        with pytest.raises(CancelledError):
            project(run, quiet=True, cancel=cancel)
        ended.append(cancel._process.poll())

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: cancel._process)
    cancel()
    thread.join(20)
    assert ended == [-15]
    cancel()  # again, and after its end


def test_work_that_was_cancelled_before_it_began_ends_too(run):
    cancel = Cancel()
    cancel()
    assert cancel.wait(0)
    with pytest.raises(CancelledError):
        project(run, quiet=True, cancel=cancel)
    with pytest.raises(CancelledError, match="run1"):
        evaluate_quietly(run, ["knn"], lambda _: None, cancel=cancel)


def test_an_evaluation_tells_how_far_it_is_and_gives_its_results(run):
    heard = []
    found = evaluate_quietly(run, ["knn"], heard.append, cancel=Cancel())
    assert [one.name for one in found] == ["knn"]
    assert heard[0] == "loading torch"
    assert found[0].words.endswith("(step 6)")


def test_an_evaluation_that_fails_says_why_with_its_exit_code(run, tmp_path):
    run.paths.checkpoint(6).rename(tmp_path / "kept")
    try:
        run.paths.checkpoint(6).write_bytes(b"damaged")
        with pytest.raises(SimclrError) as failed:
            evaluate_quietly(run, ["knn"], lambda _: None, cancel=Cancel())
        assert failed.value.exit_code == CheckpointError.exit_code
        assert "run1" in str(failed.value) or "checkpoint" in str(failed.value)
        assert not str(failed.value).startswith("simclr:")
    finally:
        (tmp_path / "kept").rename(run.paths.checkpoint(6))


def test_what_can_be_refused_is_refused_before_a_process_is_started(tmp_path):
    with pytest.raises(CheckpointError, match="it ended before one was saved"):
        check_evaluation(make_run(tmp_path / "runs"))
